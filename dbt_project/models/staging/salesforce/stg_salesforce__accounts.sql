{{ config(enabled=is_service('salesforce')) }}
-- One row per account. An account that was merged into another one is left out: its records are those of the other one.
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
