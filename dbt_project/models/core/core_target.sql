-- One row per target: metric, period, scope and member.
select
    target.metric,
    period.grain,
    target.period,
    period.period_start,
    period.period_end,
    target.scope,
    target.dimension,
    target.member,
    try_cast(target.target as decimal(30, 8)) as target,
    target.unit,
    target.owner,
    target.due::date as due,
    target.parent_kgi,
    target.reason,
    'targets' as source_system,
    'targets' as source_object,
    concat_ws('|', target.metric, target.period, target.scope, target.dimension, target.member) as record_id
from {{ ref('targets') }} as target
left join {{ ref('core_period') }} as period on target.period = period.period
