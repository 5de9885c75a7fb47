{{ config(enabled=is_service('hubspot')) }}
-- One row per owner, with the primary team. Owners who have left are in it, since their deals are. HubSpot has no
-- regions. Owners with the same name are told apart by their id.
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
