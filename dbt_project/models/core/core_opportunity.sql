-- One row per opportunity, open or closed. The day on which an open one is expected to close is not a day of closing.
-- Money is in the reporting currency, at the rate of the closing day.
with
    joined as (
        select
            opportunity.*,
            rep.team,
            rep.region,
            account.segment,
            account.country,
            product.product_family,
            product.list_price,
            (case when opportunity.currency = '{{ var("currency") }}' then 1 else fx.rate end)::decimal(14, 8) as rate
        from {{ ref('int_opportunities') }} as opportunity
        left join
            {{ ref('core_rep') }} as rep on opportunity.rep = rep.rep and opportunity.source_system = rep.source_system
        left join
            {{ ref('core_account') }} as account
            on opportunity.source_system || ':' || opportunity.account_id = account.account_key
        left join
            {{ ref('core_product') }} as product
            on opportunity.product = product.product
            and opportunity.source_system = product.source_system
        left join
            {{ ref('core_fx_rate') }} as fx on opportunity.currency = fx.currency and opportunity.closed_on = fx.rate_on
    )

select
    source_system || ':' || opportunity_id as opportunity_key,
    source_system || ':' || account_id as account_key,
    business_unit,
    coalesce(region, 'unknown') as region,
    coalesce(team, 'unknown') as team,
    coalesce(rep, 'unknown') as rep,
    coalesce(product, 'unknown') as product,
    coalesce(segment, 'unknown') as segment,
    coalesce(country, 'unknown') as country,
    product_family,
    stage,
    stage = 'won' as is_won,
    stage in ('won', 'lost') as is_closed,
    created_on,
    case when stage in ('won', 'lost') then closed_on end as closed_on,
    currency,
    case when stage in ('won', 'lost') then closed_on end as rate_on,
    rate,
    (try_cast(amount as decimal(24, 8)) * rate)::decimal(30, 8) as amount,
    try_cast(quantity as decimal(30, 8)) as quantity,
    list_price,
    case when stage in ('won', 'lost') then {{ days_between('created_on', 'closed_on') }} end as cycle_days,
    source_system,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256,
    loaded_at
from joined
