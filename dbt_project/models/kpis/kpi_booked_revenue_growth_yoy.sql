-- One row per won opportunity of the period (adds) and of the same period a year before (subtracts, and is the base).
{{ growth_observations('kpi_booked_revenue', 'year_ago') }}
