-- One row per subscription item, or per stretch of days in which it was the same. It is active on [started_on,
-- ended_on). Money is per month in the reporting currency. All items of a customer in one currency have the rate of the
-- day on which the first of them started: a moving rate is no movement of MRR, and a renewal isn't either.
with
    dated as (
        select
            *,
            min(started_on) over (
                partition by source_system, coalesce(account_id, subscription_id), currency
            ) as rate_on
        from {{ ref('int_subscriptions') }}
    ),

    joined as (
        select
            subscription.*,
            account.segment,
            account.country,
            (case when subscription.currency = '{{ var("currency") }}' then 1 else fx.rate end)::decimal(14, 8) as rate
        from dated as subscription
        left join
            {{ ref('core_account') }} as account
            on subscription.source_system || ':' || subscription.account_id = account.account_key
        left join
            {{ ref('core_fx_rate') }} as fx on subscription.currency = fx.currency and subscription.rate_on = fx.rate_on
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
    end_kind,
    is_trial,
    currency,
    rate_on,
    rate,
    (case when is_trial then 0 when not is_trial then try_cast(monthly_amount as decimal(24, 8)) * rate end)::decimal(
        30, 8
    ) as mrr,
    source_system,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256,
    loaded_at
from joined
