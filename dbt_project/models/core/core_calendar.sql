-- One row per local day of the company, from a year before the first record to a year after the last.
{% set shift = "interval (" ~ (var('fiscal_year_start_month') - 1) ~ ") month" %}
with bounds as (
    select
        date_trunc('year', min(first_on) - interval 1 year)::date as first_on,
        date_trunc('year', max(last_on) + interval 2 year)::date as end_on
    from {{ ref('core_horizon') }}
),

days as (
    select unnest(generate_series(first_on, end_on - interval 1 day, interval 1 day))::date as day
    from bounds
),

months as (
    select
        day,
        date_trunc('month', day)::date as month_start,
        (date_trunc('month', day) - {{ shift }})::date as fiscal_month
    from days
)

select
    months.day,
    date_trunc('week', months.day)::date as week_start,
    months.month_start,
    (date_trunc('quarter', months.fiscal_month) + {{ shift }})::date as quarter_start,
    (date_trunc('year', months.fiscal_month) + {{ shift }})::date as year_start,
    strftime(months.day, '%G-W%V') as week_label,
    strftime(months.day, '%Y-%m') as month_label,
    (year(months.fiscal_month) + {{ var('fiscal_year_ahead') }})::varchar
    || '-Q' || quarter(months.fiscal_month)::varchar as quarter_label,
    (year(months.fiscal_month) + {{ var('fiscal_year_ahead') }})::varchar as year_label,
    isodow(months.day) < 6 and holiday.holiday_on is null as is_business_day
from months
left join {{ ref('holidays') }} as holiday on months.day = holiday.holiday_on
