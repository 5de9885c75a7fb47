-- One row per product of the catalogue.
with
    source as ({{ current_rows('maven_crm', 'products') }}),

    renamed as (
        select
            product,
            series as product_family,
            sales_price::decimal(24, 8) as list_price,
            {{ provenance('maven_crm', 'products', 'product') }}
        from source
    )

select *
from renamed
