{{ config(enabled=is_service('salesforce')) }}
-- One row per account; one that was merged into another is out, and its records are the other's.
with
    source as ({{ current_rows('salesforce', 'account') }}),

    renamed as (
        select
            id as account_id,
            name as account_name,
            industry as segment,
            billing_country as country,
            {{ provenance('salesforce', 'account', 'id') }}
        from source
    )

select *
from renamed
