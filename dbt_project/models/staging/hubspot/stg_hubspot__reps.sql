-- One row per owner, with the primary team; one who has left is in it, since their deals are. HubSpot knows no regions.
-- Who shares a name with another is told apart by the id.
with source as (
    {{ current_rows('hubspot', 'owner', deleted=true) }}
),

named as (
    select
        id,
        coalesce(nullif(trim(concat_ws(' ', first_name, last_name)), ''), email, id) as called
    from source
),

renamed as (
    select
        named.called || case
            when count(*) over (partition by named.called) > 1 then ' ' || right(source.id, 5) else ''
        end as rep,
        list_filter(
            from_json(source.teams, '[{"name": "varchar", "primary": "boolean"}]'), lambda team: team."primary"
        )[1].name as team,
        null::varchar as region,
        {{ provenance('hubspot', 'owner', 'source.id', 'source') }}
    from source
    inner join named on source.id = named.id
)

select * from renamed
