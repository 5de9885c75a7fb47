-- Deals whose product no catalogue has, under its own name or one that the aliases give it.
{{ config(
    severity='warn',
    meta={
        'cure': 'Correct the product in the CRM, or add its spelling to dbt_project/seeds/aliases.csv.',
    },
) }}
select
    opportunity.product,
    count(*) as deals
from {{ ref('core_opportunity') }} as opportunity
anti join {{ ref('core_product') }} as product
    on opportunity.product = product.product and opportunity.source_system = product.source_system
group by opportunity.product
