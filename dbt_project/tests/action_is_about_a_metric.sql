-- Actions whose metric or member is none.
{{ config(
    severity='warn',
    meta={
        'cure': 'Correct the metric, dimension or member in dbt_project/seeds/review_actions.csv.',
    },
) }}
select action.action_id, action.metric, action.dimension, action.member
from {{ ref('actions') }} as action
anti join {{ ref('kpi_values') }} as known
    on action.metric = known.metric and action.dimension = known.dimension and action.member = known.member
