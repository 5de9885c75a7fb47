-- Actions with an unknown metric or member.
{{ config(
    severity='warn',
    meta={
        'why': 'These actions stand beside no figure, so nobody sees what they did.',
        'cure': 'Correct the metric, dimension or member in actions.csv of the unit, in the folder company.',
    },
) }}
select action.action_id, action.metric, action.scope, action.dimension, action.member
from {{ ref('actions') }} as action
anti join
    {{ ref('kpi_values') }} as known
    on action.metric = known.metric
    and action.scope = known.scope
    and action.dimension = known.dimension
    and action.member = known.member
