{{ config(enabled=is_service('salesforce')) }}
-- One row per user, with the team and the region. Users with the same name are told apart by their id.
with
    source as ({{ current_rows('salesforce', 'user') }}),

    renamed as (
        select
            name || case
                when count(*) over (partition by _source_system, name) > 1 then ' ' || right(id, 5) else ''
            end as rep,
            department as team,
            division as region,
            {{ provenance('salesforce', 'user', 'id') }}
        from source
    )

select *
from renamed
