-- Targets that require a larger change than 95 % of the metric's past changes of the same length.
{{ config(
    severity='warn',
    meta={
        'why': "These targets call for a larger change than 95 % of the metric's past changes of the same length.",
        'cure': 'Agree on a target that has been in reach, or note in its reason what will be different.',
    },
) }}
select metric, period, scope, dimension, member, target, achievable
from {{ ref('kpi_targets') }}
where is_unrealistic
