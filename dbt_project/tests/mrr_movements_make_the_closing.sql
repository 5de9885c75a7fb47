-- Months and currencies in which the opening MRR and the movements don't make the closing MRR. Opening and closing come
-- from the subscriptions, the movements from the customers' holdings.
{{ config(
    severity='error',
    meta={
        'why': "Opening MRR and the movements of a month must make its closing MRR; in these months and currencies they don't.",
        'cure': 'Compare core_mrr_movement with core_subscription in the months that `scorecard dbt show` lists.',
    },
) }}
with
    account_currency as (
        select account_key, {{ joined_texts('currency', '+') }} as currency
        from {{ ref('core_subscription') }}
        group by account_key
    ),

    month as (
        select period.period, period.period_start, period.period_end
        from {{ ref('core_period') }} as period
        where
            period.grain = 'month'
            and period.period_start <= (select max(moved_on) from {{ ref('core_mrr_movement') }})
            and period.period_end > (select min(started_on) from {{ ref('core_subscription') }})
    ),

    balance as (
        select
            month.period,
            account_currency.currency,
            coalesce(
                sum(item.mrr) filter (
                    where
                        item.started_on < month.period_start
                        and (item.ended_on is null or item.ended_on >= month.period_start)
                ),
                0
            ) as opening,
            coalesce(
                sum(item.mrr) filter (
                    where
                        item.started_on < month.period_end
                        and (item.ended_on is null or item.ended_on >= month.period_end)
                ),
                0
            ) as closing
        from month
        cross join {{ ref('core_subscription') }} as item
        inner join account_currency on item.account_key = account_currency.account_key
        where item.ended_on is null or item.ended_on > item.started_on
        group by all
    ),

    moved as (
        select month.period, account_currency.currency, sum(movement.amount) as amount
        from {{ ref('core_mrr_movement') }} as movement
        inner join month on movement.moved_on = {{ add_days('month.period_end', -1) }}
        inner join account_currency on movement.account_key = account_currency.account_key
        group by all
    )

select balance.period, balance.currency, balance.opening, coalesce(moved.amount, 0) as movements, balance.closing
from balance
left join moved on balance.period = moved.period and balance.currency = moved.currency
where balance.opening + coalesce(moved.amount, 0) <> balance.closing
