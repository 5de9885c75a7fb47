-- One row per business unit: the days between which its sources have records. A period beyond them isn't complete. A
-- day after the one on which its record was loaded is a plan (a subscription that will end), not a record of that day.
with event as (
    {% for fact, days in {
        'core_opportunity': ['created_on', 'closed_on'],
        'core_subscription': ['started_on', 'ended_on'],
        'core_ticket': ['submitted_on', 'closed_on'],
    }.items() %}{% set outer = loop %}
    {% for day in days %}
    select
        business_unit,
        {{ day }} as happened_on,
        loaded_at
    from {{ ref(fact) }}
    {{ 'union all' if not (outer.last and loop.last) }}
    {% endfor %}
    {% endfor %}
)

select
    business_unit,
    min(happened_on) as first_on,
    max(happened_on) as last_on
from event
where happened_on <= (loaded_at at time zone '{{ var("timezone") }}')::date
group by business_unit
