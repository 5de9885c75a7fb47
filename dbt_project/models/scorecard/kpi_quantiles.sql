-- One row per metric, aggregate, grain, period, scope and member: the median or percentile of the observations. While
-- too many observations wait, it has the amount that the median is longer than.
{% set models = kpi_models() %}
{% set all_passes = passes(models) if execute else [] %}
with
    calendar_day as (
        select day as day_start, week_start, month_start, quarter_start, year_start from {{ ref('core_calendar') }}
    ),

    known_amount as (
        select metric, grain, period_start, scope, dimension, member, amount, times, events
        from {{ ref('kpi_amounts') }}
        where amount is not null
    ),

    quantile as (
        {% for pass in all_passes %}
            {% for part in quantile_parts(pass) %}
                select *
                from ({{ part }})
                union all
            {% endfor %}
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
