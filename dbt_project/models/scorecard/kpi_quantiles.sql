-- One row per metric, aggregate, grain, period, scope and member: the median or percentile of the
-- observations, or what it is longer than where too many of them still wait.
{% set models = kpi_models() %}
{% set all_passes = passes(models) if execute else [] %}
with calendar_day as (
    select day as day_start, week_start, month_start, quarter_start, year_start
    from {{ ref('core_calendar') }}
),

horizon as (
    select business_unit, last_on from {{ ref('core_horizon') }}
),

period as (
    select grain, period_start, period_end
    from {{ ref('core_period') }}
    where period_start <= (select max(last_on) from horizon)
),

quantile as (
    {% for pass in all_passes if has_quantiles(pass) %}
    select * from ({{ rollup_quantiles(pass) }})
    union all
    {% endfor %}
    {{ no_quantiles() }}
)

select
    metric::string as metric,
    aggregate::string as aggregate,
    grain::string as grain,
    period_start::date as period_start,
    scope::string as scope,
    dimension::string as dimension,
    member::string as member,
    quantile::decimal(38, 8) as quantile,
    longer_than::decimal(38, 8) as longer_than
from quantile
