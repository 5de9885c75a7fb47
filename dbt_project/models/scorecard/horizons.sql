-- One row per metric and business unit: the days between which it has been observed. A period is complete within them.
select
    total.metric,
    total.member as business_unit,
    -- Of the finest grain alone: a year with one record in December was not observed from January.
    coalesce(
        min(total.period_start) filter (where total.grain = 'day'),
        min(total.period_start) filter (where total.grain = 'week')
    ) as first_day,
    any_value(horizon.last_on) as last_day
from {{ ref('kpi_totals') }} as total
inner join {{ ref('core_horizon') }} as horizon on total.member = horizon.business_unit
where total.dimension = 'business_unit'
group by total.metric, total.member
