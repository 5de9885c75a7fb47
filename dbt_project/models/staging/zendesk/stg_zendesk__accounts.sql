{{ config(enabled=is_service('zendesk')) }}
-- One row per organization. Deleted ones are in it, since their tickets stay. Zendesk has neither industry nor country.
with
    source as ({{ current_rows('zendesk', 'organization', deleted=true) }}),

    renamed as (
        select
            id::string as account_id,
            name as account_name,
            null::string as segment,
            null::string as country,
            {{ provenance('zendesk', 'organization', 'id::string') }}
        from source
    )

select *
from renamed
