{{ config(enabled=is_service('hubspot')) }}
-- One row per product that a line of a deal names, as in the oldest of these lines. Families are not extracted. The
-- price of a line is what was agreed, so it is no list price.
with
    source as ({{ current_rows('hubspot', 'line_item') }}),

    renamed as (
        select
            source.name as product,
            null::string as product_family,
            null::decimal(24, 8) as list_price,
            {{ provenance('hubspot', 'line_item', 'id') }}
        from source
        where name is not null
        qualify
            row_number() over (partition by _source_system, product order by created_at nulls last, id nulls last) = 1
    )

select *
from renamed
