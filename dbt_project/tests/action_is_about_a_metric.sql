-- Actions whose metric or member is none.
{{ config(
    severity='warn',
    meta={
        'why': 'These actions stand beside no figure, so nobody sees what they did.',
        'cure': 'Correct the metric, dimension or member in dbt_project/seeds/review_actions.csv.',
        'ja': {
            'name': '施策が指標を対象としている',
            'why': 'これらの施策はどの値の隣にも印字されず、効果が見えない。',
            'cure': 'dbt_project/seeds/review_actions.csv の指標、切り口または対象を訂正する。',
        },
    },
) }}
select action.action_id, action.metric, action.scope, action.dimension, action.member
from {{ ref('actions') }} as action
anti join {{ ref('kpi_values') }} as known
    on action.metric = known.metric and action.scope = known.scope
    and action.dimension = known.dimension and action.member = known.member
