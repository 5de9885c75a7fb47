-- One row per metric and business unit: the first and the last day on which it was observed. A period between them is
-- complete. A metric is n/a on all days of a unit whose sources have a gap for it.
with
    observed as (
        select
            total.metric,
            total.member as business_unit,
            -- Only the finest grain counts: a year with one record in December was not observed from January on.
            coalesce(
                {% for grain in ['day', 'week', 'month', 'quarter', 'year'] %}
                    min(total.period_start) filter (where total.grain = '{{ grain }}'){{ ',' if not loop.last }}
                {% endfor %}
            ) as first_day,
            any_value(horizon.last_on) as last_day
        from {{ ref('kpi_totals') }} as total
        inner join {{ ref('core_horizon') }} as horizon on total.member = horizon.business_unit
        where total.dimension = 'business_unit'
        group by total.metric, total.member
    ),

    unobserved as (
        select distinct
            metric.base as metric, gap.business_unit, horizon.first_on as first_day, horizon.last_on as last_day
        from {{ ref('kpi_metrics') }} as metric
        inner join {{ ref('core_gap') }} as gap on array_contains(metric.na_where, gap.gap)
        inner join {{ ref('core_horizon') }} as horizon on gap.business_unit = horizon.business_unit
        anti join observed on metric.base = observed.metric and gap.business_unit = observed.business_unit
    )

select metric, business_unit, first_day, last_day
from observed
union all
select metric, business_unit, first_day, last_day
from unobserved
