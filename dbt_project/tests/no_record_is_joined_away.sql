-- Facts that have more or fewer rows than the staged records they are made of.
{{ config(
    severity='error',
    meta={
        'why': 'A fact has a row for every staged record, whatever its account, product or rep; these facts have not.',
        'cure': "Look for a key that is not unique, or an inner join, in the fact's model under dbt_project/models/core.",
        'ja': {
            'name': '結合で失われた記録がない',
            'why': 'ファクトは取引先、製品、担当者を問わず取込済みの記録ごとに1行を持つはずだが、これらは異なる。',
            'cure': 'dbt_project/models/core のモデルで、重複するキーまたは内部結合を探す。',
        },
    },
) }}
{% set made_of = {
    'core_account': ['stg_maven_crm__accounts', 'stg_ravenstack__accounts'],
    'core_opportunity': ['stg_maven_crm__opportunities'],
    'core_subscription': ['stg_ravenstack__subscriptions'],
    'core_ticket': ['stg_ravenstack__tickets'],
} %}
{% for fact, concept in {
    'core_account': 'accounts',
    'core_opportunity': 'opportunities',
    'core_subscription': 'subscriptions',
    'core_ticket': 'tickets',
}.items() %}
    {% for service in services_with(concept) %}
        {% do made_of[fact].append('stg_' ~ service ~ '__' ~ concept) %}
    {% endfor %}
{% endfor %}
{% for fact, records in made_of.items() %}
select
    '{{ fact }}' as fact,
    (select count(*) from {{ ref(fact) }}) as has_rows,
    {% for record in records %}(select count(*) from {{ ref(record) }}){{ ' + ' if not loop.last }}{% endfor %} as staged
where has_rows <> staged
{{ 'union all' if not loop.last }}
{% endfor %}
