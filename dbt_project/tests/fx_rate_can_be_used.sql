-- Rates that can't be used: they are not above 0, or another source contradicts them.
{{ config(
    severity='error',
    meta={
        'why': 'A rate is a positive number below 1,000,000 with up to 8 decimals, one for a currency and day; amounts without one are n/a.',
        'cure': 'Correct these rows of company/fx_rates.csv.',
    },
) }}
with
    unusable as (
        select given.currency, given.rate_on, given.rate
        from {{ ref('int_fx_rates') }} as given
        inner join
            {{ ref('core_fx_rate') }} as usable on given.currency = usable.currency and given.rate_on = usable.rate_on
        where usable.rate is null
    )

    {{ fail_by_name('unusable', "'The rate of ' || currency || ' on ' || rate_on || ' is ' || rate || '.'") }}
