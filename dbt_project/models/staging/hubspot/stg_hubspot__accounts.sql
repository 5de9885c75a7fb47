{{ config(enabled=is_service('hubspot')) }}
-- One row per company; one that was merged into another is out, and its records are the other's.
with
    source as ({{ current_rows('hubspot', 'company') }}),

    renamed as (
        select
            id as account_id,
            name as account_name,
            industry as segment,
            country,
            {{ provenance('hubspot', 'company', 'id') }}
        from source
    )

select *
from renamed
