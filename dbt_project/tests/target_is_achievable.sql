-- Targets that call for a larger change than 95 % of the metric's own past changes of the same length.
select metric, period, dimension, member, target, achievable
from {{ ref('kpi_targets') }}
where is_unrealistic
