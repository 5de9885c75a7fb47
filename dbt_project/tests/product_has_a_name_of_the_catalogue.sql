-- Deals whose product the catalogue of their source doesn't have, under its own name or one that the aliases give it.
-- A source without a catalogue has nothing to compare with; nor has a deal that names no product.
{{ config(
    severity='warn',
    meta={
        'why': 'Their deals count, but under a product of their own that has no family and no list price.',
        'cure': 'Correct the product in the CRM, or add its spelling to aliases.csv of the unit, in the folder company.',
    },
) }}
select
    opportunity.product,
    count(*) as deals
from {{ ref('core_opportunity') }} as opportunity
anti join {{ ref('core_product') }} as product
    on opportunity.product = product.product and opportunity.source_system = product.source_system
where opportunity.product <> 'unknown'
    and opportunity.source_system in (select source_system from {{ ref('core_product') }})
group by opportunity.product
