-- One row per currency and day: units of the reporting currency for one unit of the currency. A rate that is no
-- positive number of its type, or that the table contradicts, is null, and a check names its row.
with spelt as (
    select
        currency,
        try_cast(rate_on as date) as rate_on,
        try_cast(rate as decimal(14, 8)) as rate
    from {{ ref('fx_rates') }}
)

select
    currency,
    rate_on,
    case when count(rate) = count(*) and min(rate) = max(rate) and min(rate) > 0 then min(rate) end as rate
from spelt
where rate_on is not null
group by currency, rate_on
