-- One row per customer and month in which its MRR changed. New is the first month-end with MRR; after a month-end
-- without, it is reactivation. A change that isn't known is of no kind.
with month as (
    select
        *,
        min(period_start) filter (where closing_mrr > 0) over (partition by account_key) as first_month
    from {{ ref('core_customer_period') }}
    where grain = 'month' and company is not null
)

select
    account_key,
    closing_on as moved_on,
    business_unit,
    segment,
    country,
    case
        when opening_mrr is null or closing_mrr is null then null
        when opening_mrr = 0 and period_start = first_month then 'new'
        when opening_mrr = 0 then 'reactivation'
        when closing_mrr = 0 then 'churn'
        when closing_mrr > opening_mrr then 'expansion'
        else 'contraction'
    end as movement,
    opening_mrr,
    closing_mrr,
    try_cast(closing_mrr - opening_mrr as decimal(30, 8)) as amount,
    source_system,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256
from month
where closing_mrr is distinct from opening_mrr or closing_mrr is null
