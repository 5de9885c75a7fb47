-- One row per currency and day: units of the reporting currency for one unit of the currency.
with
    source as ({{ current_rows('company', 'fx_rates') }}),

    named as (
        select currency, rate_on, rate, {{ provenance('company', 'fx_rates', "concat_ws('|', currency, rate_on)") }}
        from source
    )

select *
from named
