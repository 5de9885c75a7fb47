-- Products to which the ladder gives several tiers, families or kinds of price.
{{ config(
    severity='warn',
    meta={
        'why': 'A product of several places has none, so no purchase of it is a step up.',
        'cure': 'Delete all but one of these lines of product_ladder.csv: a product has one place, whatever it was called before.',
    },
) }}
select
    given.business_unit,
    {{ at_line('given') }}
    || 'the product '
    || given.product
    || ' has another tier, family or kind of price elsewhere.' as problem
from {{ ref('int_product_ladder') }} as given
left join
    {{ ref('core_product_ladder') }} as placed
    on given.business_unit = placed.business_unit
    and given.product = placed.product
where placed.product is null
