-- One row per customer and period in which it had MRR or an active subscription at the opening, at the closing or a
-- year before the closing. A row with a product is the customer's holding of that product, and counts there only.
with holder as (
    select
        holding.account_key,
        holding.product,
        account.business_unit,
        min(holding.from_on) as first_on
    from {{ ref('core_holding') }} as holding
    inner join {{ ref('core_account') }} as account on holding.account_key = account.account_key
    group by all
),

spine as (
    select
        holder.account_key,
        holder.product,
        coalesce(holder.product, '') as product_key,
        period.grain,
        period.period_start,
        period.period_end,
        period.period_start - 1 as opening_on,
        period.period_end - 1 as closing_on,
        -- Of days and weeks twelve months before their last day; of longer periods before their end, which keeps to the
        -- last day of a shorter February.
        case
            when period.grain in ('day', 'week') then (period.period_end - 1 - interval 12 month)::date
            else (period.period_end - interval 12 month)::date - 1
        end as year_ago_on
    from holder
    inner join {{ ref('core_horizon') }} as horizon on holder.business_unit = horizon.business_unit
    inner join {{ ref('core_period') }} as period
        on period.period_start <= horizon.last_on and period.period_end > holder.first_on
    where holder.product is null or period.grain <> 'day'
),

holding as (
    select *, coalesce(product, '') as product_key, coalesce(until_on, date '9999-12-31') as end_on
    from {{ ref('core_holding') }}
),

measured as (
    select
        spine.*,
        {% for moment in ['opening', 'closing', 'year_ago'] %}
        -- No holding is 0; a holding whose MRR is not known is not.
        if({{ moment }}.account_key is null, 0, {{ moment }}.mrr) as {{ moment }}_mrr,
        {% endfor %}
        coalesce(opening.active_subscriptions, 0) > 0 as was_active
    from spine
    {% for moment in ['opening', 'closing', 'year_ago'] %}
    left join holding as {{ moment }}
        on spine.account_key = {{ moment }}.account_key and spine.product_key = {{ moment }}.product_key
        and spine.{{ moment }}_on >= {{ moment }}.from_on and spine.{{ moment }}_on < {{ moment }}.end_on
    {% endfor %}
),

lost as (
    select
        spine.account_key,
        spine.product_key,
        spine.grain,
        spine.period_start,
        bool_or(loss.settles_on is null) as is_settled,
        max(loss.settles_on) as settles_on
    from spine
    inner join {{ ref('core_customer_loss') }} as loss
        on spine.account_key = loss.account_key and spine.product_key = coalesce(loss.product, '')
        and loss.lost_on >= spine.period_start and loss.lost_on < spine.period_end
    group by all
)

select
    measured.account_key,
    measured.grain,
    measured.period_start,
    measured.closing_on,
    case when measured.product is null then 'all' end as company,
    account.business_unit,
    measured.product,
    case when measured.product is null then account.segment end as segment,
    case when measured.product is null then account.country end as country,
    measured.opening_mrr,
    measured.closing_mrr,
    measured.year_ago_mrr,
    measured.was_active,
    measured.was_active and coalesce(lost.is_settled, false) as was_lost,
    case when measured.was_active and not lost.is_settled then lost.settles_on end as settles_on,
    account.source_system,
    account.source_object,
    account.record_id,
    account.source_file,
    account.source_line,
    account.source_sha256
from measured
inner join {{ ref('core_account') }} as account on measured.account_key = account.account_key
left join lost
    on measured.account_key = lost.account_key and measured.product_key = lost.product_key
    and measured.grain = lost.grain and measured.period_start = lost.period_start
where measured.opening_mrr is distinct from 0 or measured.closing_mrr is distinct from 0
    or measured.year_ago_mrr is distinct from 0 or measured.was_active
