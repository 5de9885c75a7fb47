{{ config(enabled=is_service('salesforce')) }}
-- One row per product of the catalogue. Its prices are in price books, by currency.
with
    source as ({{ current_rows('salesforce', 'product2') }}),

    renamed as (
        select
            name as product,
            family as product_family,
            null::decimal(24, 8) as list_price,
            {{ provenance('salesforce', 'product2', 'id') }}
        from source
        qualify
            row_number() over (partition by _source_system, name order by created_date nulls last, id nulls last) = 1
    )

select *
from renamed
