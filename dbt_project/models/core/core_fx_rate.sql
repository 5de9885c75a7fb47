-- One row per currency and day: units of the reporting currency for one unit of the currency. The rate is null if it is
-- not above 0 or another source contradicts it. A check names its row.
with
    compared as (
        select
            *,
            min(rate) over same as lowest,
            max(rate) over same as highest,
            row_number() over (
                partition by currency, rate_on order by source_system nulls last, record_id nulls last
            ) as place
        from {{ ref('int_fx_rates') }}
        window same as (partition by currency, rate_on)
    )

select
    currency,
    rate_on,
    case when lowest = highest and lowest > 0 then lowest end as rate,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256
from compared
where place = 1
