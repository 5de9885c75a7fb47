-- One row per business unit: the days that are known, through the last day that all its sources know. A period that
-- ends later is not complete.
select business_unit, min(first_on) as first_on, min(last_on) as last_on
from {{ ref('core_source_horizon') }}
group by business_unit
having min(first_on) is not null
