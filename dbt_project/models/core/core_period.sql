-- One row per grain and period. A period is [period_start, period_end).
with
    starts as (
        select 'day' as grain, day as period_start, day::string as period
        from {{ ref('core_calendar') }}
        union
        select 'week', week_start, week_label
        from {{ ref('core_calendar') }}
        union
        select 'month', month_start, month_label
        from {{ ref('core_calendar') }}
        union
        select 'quarter', quarter_start, quarter_label
        from {{ ref('core_calendar') }}
        union
        select 'year', year_start, year_label
        from {{ ref('core_calendar') }}
    )

select
    grain,
    period,
    period_start,
    {{ move('grain', 'period_start', 1) }} as period_end,
    {{ move('grain', 'period_start', -1) }} as prior_start,
    case
        when grain = 'week' then {{ add_days('period_start', -364) }} else {{ add_months('period_start', -12) }}
    end as year_ago_start
from starts
