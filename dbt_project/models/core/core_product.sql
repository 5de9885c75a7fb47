-- One row per product of a catalogue.
select product, product_family, try_cast(list_price as decimal(24, 8)) as list_price, business_unit, source_system
from {{ ref('int_products') }}
