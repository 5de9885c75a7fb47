-- One row per product of a catalogue.
select
    product,
    product_family,
    list_price::decimal(18, 4) as list_price,
    {{ source_meta('maven_crm', 'business_unit') }} as business_unit,
    source_system
from {{ ref('stg_maven_crm__products') }}
