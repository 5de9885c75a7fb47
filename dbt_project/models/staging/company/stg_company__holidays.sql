-- One row per day on which the company is closed.
with
    source as ({{ current_rows('company', 'holidays') }}),

    named as (select holiday_on, name, {{ provenance('company', 'holidays', 'holiday_on::string') }} from source)

select *
from named
