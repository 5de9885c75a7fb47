-- One row per local day of the company, from a year before the first record to a year after the last.
{% set shift = var('fiscal_year_start_month') - 1 %}
with
    bounds as (
        select
            {{ first_day_of('year', add_months('min(first_on)', -12)) }} as first_on,
            {{ first_day_of('year', add_months('max(last_on)', 24)) }} as end_on
        from {{ ref('core_horizon') }}
    ),

    days as (
        select in_bounds.day
        from bounds
        cross join {{ days_from('bounds.first_on', 'bounds.end_on') }} as in_bounds(day)
    ),

    months as (
        select
            day,
            {{ first_day_of('month', 'day') }} as month_start,
            {{ add_months(first_day_of('month', 'day'), -shift) }} as fiscal_month
        from days
    )

select
    months.day,
    {{ first_day_of('week', 'months.day') }} as week_start,
    months.month_start,
    {{ add_months(first_day_of('quarter', 'months.fiscal_month'), shift) }} as quarter_start,
    {{ add_months(first_day_of('year', 'months.fiscal_month'), shift) }} as year_start,
    {{ iso_week('months.day') }} as week_label,
    substr(months.day::string, 1, 7) as month_label,
    (year(months.fiscal_month) + {{ var('fiscal_year_ahead') }})::string
    || '-Q'
    || quarter(months.fiscal_month)::string as quarter_label,
    (year(months.fiscal_month) + {{ var('fiscal_year_ahead') }})::string as year_label,
    {{ days_between(first_day_of('week', 'months.day'), 'months.day') }} < 5
    and holiday.holiday_on is null as is_business_day
from months
left join (select distinct holiday_on from {{ ref('int_holidays') }}) as holiday on months.day = holiday.holiday_on
