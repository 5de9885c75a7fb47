-- One row per metric, grain, period, scope and member that has observations: their sums and counts. One pass a fact and
-- day.
{% set models = kpi_models() %}
{% set all_passes = passes(models) if execute else [] %}
with calendar as (
    {% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
    select day, '{{ grain }}' as grain, {{ 'day' if grain == 'day' else grain ~ '_start' }} as period_start
    from {{ ref('core_calendar') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

period as (
    select grain, period_start, period_end - 1 as last_day
    from {{ ref('core_period') }}
    where period_start <= (select max(last_on) from {{ ref('core_horizon') }})
),

total as (
    {% for pass in all_passes %}
    select * from ({{ rollup(pass) }})
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    metric::varchar as metric,
    grain::varchar as grain,
    period_start::date as period_start,
    scope::varchar as scope,
    dimension::varchar as dimension,
    member::varchar as member,
    numerator::decimal(38, 8) as numerator,
    denominator::decimal(38, 8) as denominator,
    pending::decimal(38, 8) as pending,
    observations::bigint as observations,
    missing::bigint as missing
from total
