-- One row per customer and period in which it had MRR or an active subscription: at the opening, at the closing or a
-- year before the closing. People read this view to check figures, which are made of core_customer_change.
{{ config(materialized='view') }}
select
    change.account_key,
    change.grain,
    period.period_start,
    {{ add_days('period.period_end', -1) }} as closing_on,
    change.company,
    change.business_unit,
    change.product,
    change.segment,
    change.country,
    change.opening_mrr,
    change.closing_mrr,
    change.year_ago_mrr,
    change.was_active,
    change.was_lost,
    change.settles_on,
    change.source_system,
    change.source_object,
    change.record_id,
    change.source_file,
    change.source_line,
    change.source_sha256
from {{ ref('core_customer_change') }} as change
inner join {{ ref('core_horizon') }} as horizon on change.business_unit = horizon.business_unit
inner join
    {{ ref('core_period') }} as period
    on {{ counts_in('period', 'change', 'period') }}
    and period.period_start <= horizon.last_on
