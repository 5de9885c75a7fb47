-- One row per source with dated records: the days of which it is known what happened. An export is known through its
-- last record; a day after the one on which its record was loaded is a plan (a subscription that will end), no record
-- of that day. A service, or an export that declares it, is known through the day up to which it says all, even a
-- quiet one.
with event as (
    {% for fact, days in {
        'core_opportunity': ['created_on', 'closed_on'],
        'core_subscription': ['started_on', 'ended_on'],
        'core_ticket': ['submitted_on', 'closed_on'],
    }.items() %}{% set outer = loop %}
    {% for day in days %}
    select
        source_system,
        business_unit,
        {{ day }} as happened_on,
        loaded_at
    from {{ ref(fact) }}
    {{ 'union all' if not (outer.last and loop.last) }}
    {% endfor %}
    {% endfor %}
),

recorded as (
    select
        source_system,
        business_unit,
        min(happened_on) as first_on,
        max(happened_on) as last_on
    from event
    where happened_on <= (loaded_at at time zone '{{ var("timezone") }}')::date
    group by source_system, business_unit
),

read as (
    select source_system, business_unit, null::date as first_on, read_through as last_on
    from {{ ref('stg_services__read') }}
),

known as (
    select * from recorded
    union all
    select * from read
)

select
    source_system,
    business_unit,
    min(first_on) as first_on,
    max(last_on) as last_on
from known
group by source_system, business_unit
