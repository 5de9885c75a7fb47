-- Amounts of a currency and day without a rate, in the facts that convert amounts.
{{ config(
    severity='error',
    meta={
        'why': 'An amount without a rate cannot be added up, and is never taken at 1.0; the values it belongs to are n/a.',
        'cure': 'Add the rate of that currency and day to company/fx_rates.csv.',
    },
) }}
with
    unconverted as (
        {% for fact, declared in var('facts', {}).items() if declared.needs_rate %}
            select currency, rate_on, record_id
            from {{ ref(fact) }}
            where rate is null and ({{ declared.needs_rate }})
            union all
        {% endfor %}
        select cast(null as string) as currency, cast(null as date) as rate_on, cast(null as string) as record_id
        where false
    ),

    day as (select currency, rate_on, count(*) as records from unconverted group by currency, rate_on)

    {{ fail_by_name('day', "'No rate of ' || currency || ' on ' || rate_on || ' (' || records || ' records).'") }}
