-- One row per business unit, source system and gap: something that the source lacks in all its records. The metrics
-- that name the gap (`na_where` in their YAML) are n/a: a source that says nothing does not say that nothing happened.
-- Facts declare their gaps.
{% for fact, declared in var('facts', {}).items() %}
    {% for gap in declared.gaps %}
        select business_unit, source_system, '{{ gap.name }}' as gap
        from {{ ref(fact) }}
        where {{ gap.among }}
        group by business_unit, source_system
        having {{ 'count(' ~ gap.lacks ~ ') = 0' if gap.lacks else 'count(distinct ' ~ gap.alike ~ ') < 2' }}
        union all
    {% endfor %}
{% endfor %}
select cast(null as string) as business_unit, cast(null as string) as source_system, cast(null as string) as gap
where false
