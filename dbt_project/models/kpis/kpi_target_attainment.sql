-- One row per won opportunity (the actual) and per target of booked revenue (what it is measured against).
{{ attainment_observations('kpi_booked_revenue') }}
