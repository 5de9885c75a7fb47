-- One row per opportunity and week, month, quarter or year at the end of which it was still open; the end of the data
-- counts as the end of the last one. Deals without a day of creation have no age, and a check counts them. It is a
-- view, since it has some ten rows a deal and is read twice only.
{{ config(materialized='view') }}

select
    period.grain,
    period.period_start,
    least(period.period_end - 1, horizon.last_on) as closing_on,
    opportunity.business_unit,
    opportunity.region,
    opportunity.team,
    opportunity.rep,
    opportunity.product,
    opportunity.segment,
    opportunity.country,
    {{ days_between('opportunity.created_on', 'least(period.period_end - 1, horizon.last_on)') }} as age_days,
    opportunity.source_system,
    opportunity.source_object,
    opportunity.record_id,
    opportunity.source_file,
    opportunity.source_line,
    opportunity.source_sha256
from {{ ref('core_opportunity') }} as opportunity
inner join {{ ref('core_horizon') }} as horizon on opportunity.business_unit = horizon.business_unit
inner join
    {{ ref('core_period') }} as period
    on opportunity.created_on <= least(period.period_end - 1, horizon.last_on)
    and (opportunity.closed_on is null or opportunity.closed_on > least(period.period_end - 1, horizon.last_on))
    and period.period_start <= horizon.last_on
where period.grain <> 'day'
