{{ config(enabled=is_service('hubspot')) }}
-- One row per company. A company that was merged into another one is left out: its records are those of the other one.
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
