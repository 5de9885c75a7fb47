-- One row per business unit: the days of which it is known what happened, through the last that all its sources know
-- of. A period beyond them isn't complete.
select business_unit, min(first_on) as first_on, min(last_on) as last_on
from {{ ref('core_source_horizon') }}
group by business_unit
having min(first_on) is not null
