{{ config(enabled=is_service('hubspot')) }}
-- One row per owner, with the primary team; one who has left is in it, since their deals are. HubSpot knows no regions.
-- Who shares a name with another is told apart by the id.
with
    source as ({{ current_rows('hubspot', 'owner', deleted=true) }}),

    named as (
        select *, coalesce(nullif(trim(concat_ws(' ', first_name, last_name)), ''), email, id) as called from source
    ),

    renamed as (
        select
            called || case
                when count(*) over (partition by _source_system, called) > 1 then ' ' || right(id, 5) else ''
            end as rep,
            {{ json_text_where('teams', 'name', 'primary') }} as team,
            null::string as region,
            {{ provenance('hubspot', 'owner', 'id') }}
        from named
    )

select *
from renamed
