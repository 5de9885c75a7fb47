-- One row per business unit, source system and gap: what the source holds of no record at all, so that the metrics
-- which name the gap (`na_where` in their YAML) are n/a. That nothing is told is not that nothing happened.
with opportunity as (
    select
        business_unit,
        source_system,
        count(*) filter (where is_closed) as closed,
        count(*) filter (where is_won) as won,
        count(*) filter (where is_won and quantity is not null) as counted
    from {{ ref('core_opportunity') }}
    group by business_unit, source_system
),

subscription as (
    select business_unit, source_system, count(ended_on) as ended
    from {{ ref('core_subscription') }}
    group by business_unit, source_system
),

ticket as (
    select
        business_unit,
        source_system,
        count(closed_on) as closed,
        count(satisfaction_score) as answered
    from {{ ref('core_ticket') }}
    group by business_unit, source_system
)

select business_unit, source_system, 'one_outcome' as gap from opportunity where closed > 0 and won in (0, closed)
union all
select business_unit, source_system, 'no_quantities' from opportunity where won > 0 and counted = 0
union all
select business_unit, source_system, 'no_ends' from subscription where ended = 0
union all
select business_unit, source_system, 'no_answers' from ticket where closed > 0 and answered = 0
