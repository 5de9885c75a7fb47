-- One row per time a customer (or a customer of a product) was lost: its subscriptions ended and none followed within
-- the days of grace. Within those days nobody knows, so a loss counts when they are over.
{% set grace = model_parameters('kpi_customer_churn_rate').get('grace_days', 0) %}
with ended as (
    select
        holding.account_key,
        holding.product,
        holding.from_on as lost_on,
        holding.until_on as back_on
    from {{ ref('core_holding') }} as holding
    where holding.active_subscriptions = 0
),

known as (
    select
        ended.*,
        horizon.last_on
    from ended
    inner join {{ ref('core_account') }} as account on ended.account_key = account.account_key
    inner join {{ ref('core_horizon') }} as horizon on account.business_unit = horizon.business_unit
)

select
    account_key,
    product,
    lost_on
from known
where coalesce(back_on, last_on + 1) > lost_on + {{ grace }}
