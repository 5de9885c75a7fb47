-- Records of any fact with a product that the catalogue of their source does not have, neither under its own name nor
-- under an alias. A source without a catalogue and a record without a product are left out.
{{ config(
    severity='warn',
    meta={
        'why': 'Their records count, but under a product of their own that has no family and no list price.',
        'cure': 'Correct the product at the source, or add its spelling to aliases.csv of the unit, in the folder company.',
    },
) }}
with
    sold as (
        {%- for name in var('facts', {}) %}
            {%- set relation = ref(name) %}
            {%- if 'product' in fact_columns(name) %}
                select business_unit, source_system, product
                from {{ relation }}
                union all
            {%- endif %}
        {%- endfor %}
        select
            cast(null as string) as business_unit,
            cast(null as string) as source_system,
            cast(null as string) as product
        where false
    )

select sold.business_unit, sold.product, count(*) as records
from sold
anti join
    {{ ref('core_product') }} as product
    on sold.product = product.product
    and sold.source_system = product.source_system
where sold.product <> 'unknown' and sold.source_system in (select source_system from {{ ref('core_product') }})
group by sold.business_unit, sold.product
