-- One row per time that a customer (or a customer of a product) was lost, or may have been. A cancellation counts on
-- its day. After a lapse the customer may renew within the days of grace. Until these are over the loss is not settled,
-- and it is no loss if the customer comes back.
with
    ended as (
        select
            holding.account_key,
            holding.product,
            holding.from_on as lost_on,
            holding.until_on as back_on,
            case when holding.has_lapsed then {{ add_days('holding.from_on', 'grace.number') }} end as grace_on,
            horizon.last_on
        from {{ ref('core_holding') }} as holding
        inner join {{ ref('core_account') }} as account on holding.account_key = account.account_key
        inner join {{ ref('core_horizon') }} as horizon on account.business_unit = horizon.business_unit
        left join
            {{ ref('core_parameter') }} as grace
            on account.business_unit = grace.business_unit
            and grace.parameter = 'customer_churn_rate.grace_days'
        -- An end in the future is a plan.
        where holding.active_subscriptions = 0 and holding.from_on <= horizon.last_on
    )

select account_key, product, lost_on, case when grace_on > last_on then grace_on end as settles_on
from ended
where grace_on is null or back_on is null or back_on > grace_on
