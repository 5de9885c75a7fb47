-- One row per product of a catalogue.
with unioned as (
    select
        *,
        {{ source_meta('maven_crm', 'business_unit') }} as business_unit
    from {{ ref('stg_maven_crm__products') }}
    {{- and_of_services('products') }}
)

select
    product,
    product_family,
    try_cast(list_price as decimal(24, 8)) as list_price,
    business_unit,
    source_system
from unioned
