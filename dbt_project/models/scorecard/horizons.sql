-- One row per metric and business unit: the days between which it has been observed. A period is complete within them.
select
    total.metric,
    total.member as business_unit,
    min(total.period_start) as first_day,
    any_value(horizon.last_on) as last_day
from {{ ref('kpi_totals') }} as total
inner join {{ ref('core_horizon') }} as horizon on total.member = horizon.business_unit
where total.dimension = 'business_unit'
group by total.metric, total.member
