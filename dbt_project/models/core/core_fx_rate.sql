-- One row per currency and day: units of the reporting currency for one unit of the currency.
select
    currency,
    rate_on,
    rate
from {{ ref('fx_rates') }}
