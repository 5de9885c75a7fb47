-- One row per won opportunity of the period (adds) and of the period before (subtracts, and is the base).
{{ growth_observations('kpi_booked_revenue', 'prior') }}
