-- Facts with more or fewer rows than the staged records that they are made of.
{{ config(
    severity='error',
    meta={
        'why': 'A fact has a row for every staged record, whatever its account, product or rep; these facts have not.',
        'cure': "Look for a key that is not unique, or an inner join, in the fact's model under dbt_project/models/core.",
    },
) }}
with
    counted(fact, has_rows, staged) as (
        {% for fact, declared in var('facts', {}).items() %}
            select
                '{{ fact }}',
                (select count(*) from {{ ref(fact) }}),
                {% for model in var('concepts', {}).get(declared.concept, []) %}
                    (select count(*) from {{ ref(model) }}) +
                {% endfor %} 0
            union all
        {% endfor %}
        select null, 0, 0
    )

select fact, has_rows, staged
from counted
where has_rows <> staged
