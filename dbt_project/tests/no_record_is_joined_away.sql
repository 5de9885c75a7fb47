-- Facts that have more or fewer rows than the staged records they are made of.
{{ config(
    severity='error',
    meta={
        'why': 'A fact has a row for every staged record, whatever its account, product or rep; these facts have not.',
        'cure': "Look for a key that is not unique, or an inner join, in the fact's model under dbt_project/models/core.",
    },
) }}
{% for fact, declared in var('facts', {}).items() %}
select
    '{{ fact }}' as fact,
    (select count(*) from {{ ref(fact) }}) as has_rows,
    {% for model in var('concepts', {}).get(declared.concept, []) %}(select count(*) from {{ ref(model) }}) + {% endfor %}0 as staged
where has_rows <> staged
union all
{% endfor %}
select null as fact, 0 as has_rows, 0 as staged
where false
