-- One row per customer and month in which its MRR changed. The first month-end with MRR is new. MRR after a month-end
-- without MRR is reactivation. A change that is not known has no kind.
with
    first_month as (
        select account_key, min(period_start) as period_start
        from {{ ref('core_customer_change') }}
        where grain = 'month' and company is not null and closing_mrr > 0
        group by account_key
    )

select
    month.account_key,
    month.closing_on as moved_on,
    month.business_unit,
    month.segment,
    month.country,
    case
        when month.opening_mrr is null or month.closing_mrr is null
        then null
        when month.opening_mrr = 0 and month.period_start = first_month.period_start
        then 'new'
        when month.opening_mrr = 0
        then 'reactivation'
        when month.closing_mrr = 0
        then 'churn'
        when month.closing_mrr > month.opening_mrr
        then 'expansion'
        else 'contraction'
    end as movement,
    month.opening_mrr,
    month.closing_mrr,
    try_cast(month.closing_mrr - month.opening_mrr as decimal(30, 8)) as amount,
    month.source_system,
    month.source_object,
    month.record_id,
    month.source_file,
    month.source_line,
    month.source_sha256
from {{ ref('core_customer_period') }} as month
left join first_month on month.account_key = first_month.account_key
where
    month.grain = 'month'
    and month.company is not null
    and (month.closing_mrr is distinct from month.opening_mrr or month.closing_mrr is null)
