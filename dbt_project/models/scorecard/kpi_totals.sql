-- One row per metric, grain, period, scope and member with observations: their sums and counts. Each pass reads one
-- fact by one day.
{% set models = kpi_models() %}
{% set all_passes = passes(models) if execute else [] %}
with
    period as (
        select grain, period_start, period_end
        from {{ ref('core_period') }}
        where period_start <= (select max(last_on) from {{ ref('core_horizon') }})
    ),

    -- The periods of each day.
    calendar as (
        select day.occurred_on as day, period.grain, period.period_start
        from (select day as occurred_on from {{ ref('core_calendar') }}) as day
        inner join period on {{ counts_in('flow', 'day', 'period') }}
    ),

    horizon as (select business_unit, last_on from {{ ref('core_horizon') }}),

    -- The periods by the last known day of a unit, each cut off at that day.
    observed_period as (
        select
            period.*, known.last_on, {{ add_days('least(period.period_end - 1, known.last_on)', 1) }} as observed_until
        from period
        inner join (select distinct last_on from horizon) as known on period.period_start <= known.last_on
    ),

    amount as (
        select metric, grain, period_start, scope, dimension, member, amount, times from {{ ref('kpi_amounts') }}
    ),

    total as (
        {% for pass in all_passes %}
            {% for part in rollup_parts(pass) %}
                select *
                from ({{ part }})
                union all
            {% endfor %}
        {% endfor %}
        {{ no_totals() }}
    )

select
    metric::string as metric,
    grain::string as grain,
    period_start::date as period_start,
    scope::string as scope,
    dimension::string as dimension,
    member::string as member,
    numerator::decimal(38, 8) as numerator,
    denominator::decimal(38, 8) as denominator,
    pending::decimal(38, 8) as pending,
    observations::bigint as observations,
    missing::bigint as missing
from total
