-- One row per customer, or customer and product, and stretch of days [from_on, until_on) in which the number of its
-- active subscriptions and their MRR did not change. `product` is null in a row of the whole customer. MRR is null
-- while the MRR of one of its subscriptions is not known. `has_lapsed` says whether one of the subscriptions that ended
-- on `from_on` lapsed.
with
    subscription as (select * from {{ ref('core_subscription') }} where ended_on is null or ended_on > started_on),

    change as (
        select
            account_key,
            product,
            started_on as day,
            1 as active,
            mrr,
            (mrr is null)::int as unpriced,
            false as has_lapsed
        from subscription
        union all
        select account_key, product, ended_on, -1, - mrr, - (mrr is null)::int, coalesce(end_kind, '') <> 'cancelled'
        from subscription
        where ended_on is not null
    ),

    daily as (
        select
            account_key,
            product,
            day,
            sum(active) as active,
            sum(mrr) as mrr,
            sum(unpriced) as unpriced,
            bool_or(has_lapsed) as has_lapsed
        from change
        group by grouping sets ((account_key, product, day), (account_key, day))
    )

select
    account_key,
    product,
    day as from_on,
    lead(day) over holding as until_on,
    (sum(active) over holding)::bigint as active_subscriptions,
    try_cast(
        case when sum(unpriced) over holding = 0 then coalesce(sum(mrr) over holding, 0) end as decimal(30, 8)
    ) as mrr,
    has_lapsed
from daily
window holding as (partition by account_key, product order by day nulls last)
