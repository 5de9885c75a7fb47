-- Rows of the table of rates that can't be used: no day, no positive number of decimal(14,8), or a contradiction.
{{ config(
    severity='error',
    meta={
        'why': 'A rate is a positive number below 1,000,000 with up to 8 decimals, one for a currency and day; amounts without one are n/a.',
        'cure': 'Correct these rows of dbt_project/seeds/fx_rates.csv.',
    },
) }}
with unusable as (
    select
        given.currency,
        given.rate_on,
        given.rate
    from {{ ref('fx_rates') }} as given
    left join {{ ref('core_fx_rate') }} as usable
        on given.currency = usable.currency and try_cast(given.rate_on as date) = usable.rate_on
    where usable.rate is null
)

{{ fail_by_name('unusable', "'The rate of ' || coalesce(currency, 'no currency') || ' on ' || coalesce(rate_on, 'no day')
    || ' is ' || coalesce(rate, 'empty') || '.'") }}
