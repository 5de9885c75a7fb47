{{ config(enabled=is_service('zendesk')) }}
-- One row per organization; a deleted one is in it, since its tickets stay. Zendesk knows neither industry nor country.
with source as (
    {{ current_rows('zendesk', 'organization', deleted=true) }}
),

renamed as (
    select
        id::varchar as account_id,
        name as account_name,
        null::varchar as segment,
        null::varchar as country,
        {{ provenance('zendesk', 'organization', 'id::varchar') }}
    from source
)

select * from renamed
