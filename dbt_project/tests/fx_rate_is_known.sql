-- Money of a currency and day without a rate.
{{ config(
    severity='error',
    meta={
        'why': 'An amount without a rate cannot be added up, and is never taken at 1.0; the values it belongs to are n/a.',
        'cure': 'Add the rate of that currency and day to company/fx_rates.csv.',
    },
) }}
with unconverted as (
    select currency, closed_on as needed_on, record_id
    from {{ ref('core_opportunity') }}
    where rate is null and is_won
    union all
    select currency, rate_on, record_id
    from {{ ref('core_subscription') }}
    where rate is null and is_trial is distinct from true
),

day as (
    select currency, needed_on, count(*) as records
    from unconverted
    group by all
)

{{ fail_by_name('day', "'No rate of ' || currency || ' on ' || needed_on || ' (' || records || ' records).'") }}
