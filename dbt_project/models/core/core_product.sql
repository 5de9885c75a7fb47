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
    list_price::decimal(18, 4) as list_price,
    business_unit,
    source_system
from unioned
