-- One row per business unit: the days of which it is known what happened. A period beyond them isn't complete. An
-- export is known through its last record; a day after the one on which its record was loaded is a plan (a subscription
-- that will end), no record of that day. Services are known through the day on which all were read, even a quiet one.
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
),

read as (
    select
        business_unit,
        min(read_through) as read_through
    from {{ ref('stg_services__read') }}
    group by business_unit
)

select
    event.business_unit,
    min(event.happened_on) as first_on,
    greatest(max(event.happened_on), any_value(read.read_through)) as last_on
from event
left join read on event.business_unit = read.business_unit
where event.happened_on <= (event.loaded_at at time zone '{{ var("timezone") }}')::date
group by event.business_unit
