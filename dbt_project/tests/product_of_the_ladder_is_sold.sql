-- Products of the ladder that neither a record of the unit nor a catalogue has.
{{ config(
    severity='warn',
    meta={
        'why': 'Nobody can buy what the unit does not sell, so these lines of the ladder say nothing.',
        'cure': 'Write the product in product_ladder.csv as the source or its catalogue has it, or delete these lines; a product that was renamed goes into aliases.csv beside it.',
    },
) }}
with
    sold as (
        {%- for name in var('facts', {}).keys() | list + var('members', []) %}
            {%- set relation = ref(name) %}
            {%- if 'product' in fact_columns(name) %}
                select business_unit, product
                from {{ relation }}
                union
            {%- endif %}
        {%- endfor %}
        select cast(null as string) as business_unit, cast(null as string) as product
    )

select given.business_unit, {{ at_line('given') }} || 'the unit sells no product ' || given.product || '.' as problem
from {{ ref('int_product_ladder') }} as given
left join sold on given.business_unit = sold.business_unit and given.product = sold.product
where sold.product is null and given.business_unit not in ({{ units_without_data() }})
