-- One row per metric, grain, period, scope, member and amount: the number of observations with that amount. It covers
-- the metrics with a median or percentile whose observations count in several periods, or wait. Totals and quantiles
-- read these counts.
{% set models = kpi_models() %}
{% set all_passes = passes(models) if execute else [] %}
with
    horizon as (select business_unit, last_on from {{ ref('core_horizon') }}),

    period as (
        select grain, period_start, period_end
        from {{ ref('core_period') }}
        where period_start <= (select max(last_on) from horizon)
    ),

    counted as (
        {% for pass in all_passes %}
            {% for metric in pass.metrics if counted_aggregates(pass, metric) %}
                select *
                from ({{ counted_amounts(pass, metric) }})
                union all
            {% endfor %}
        {% endfor %}
        {{ no_amounts() }}
    )

select
    metric::string as metric,
    grain::string as grain,
    period_start::date as period_start,
    scope::string as scope,
    dimension::string as dimension,
    member::string as member,
    amount::decimal(30, 8) as amount,
    times::bigint as times,
    events::bigint as events
from counted
