-- One row per subscription item; active on [started_on, ended_on). Money per month in the reporting currency at the
-- rate of the day it started, so that a moving rate is no movement of MRR.
with subscription as (
    select
        *,
        {{ source_meta('ravenstack', 'business_unit') }} as business_unit,
        {{ source_meta('ravenstack', 'currency') }} as currency
    from {{ ref('stg_ravenstack__subscriptions') }}
),

joined as (
    select
        subscription.*,
        account.segment,
        account.country,
        case when subscription.currency = '{{ var("currency") }}' then 1 else fx.rate end as rate
    from subscription
    left join {{ ref('core_account') }} as account
        on subscription.source_system || ':' || subscription.account_id = account.account_key
    left join {{ ref('core_fx_rate') }} as fx
        on subscription.currency = fx.currency and subscription.started_on = fx.rate_on
)

select
    source_system || ':' || subscription_id as subscription_key,
    source_system || ':' || account_id as account_key,
    business_unit,
    coalesce(product, 'unknown') as product,
    coalesce(segment, 'unknown') as segment,
    coalesce(country, 'unknown') as country,
    started_on,
    ended_on,
    is_trial,
    currency,
    rate::decimal(18, 8) as rate,
    (case when is_trial then 0 else monthly_amount * rate end)::decimal(18, 4) as mrr,
    source_system,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256
from joined
