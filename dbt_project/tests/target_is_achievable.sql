-- Targets that call for a larger change than 95 % of the metric's own past changes of the same length.
{{ config(
    severity='warn',
    meta={
        'why': "These targets call for a larger change than 95 % of the metric's past changes of the same length.",
        'cure': 'Agree on a target that has been in reach, or note in its reason what will be different.',
        'ja': {
            'name': '目標が達成可能な範囲にある',
            'why': 'これらの目標は、同じ長さの過去の変化の95%を超える変化を求めている。',
            'cure': '過去に届いた水準で目標に合意するか、何が変わるのかを理由に記す。',
        },
    },
) }}
select metric, period, scope, dimension, member, target, achievable
from {{ ref('kpi_targets') }}
where is_unrealistic
