-- One row per target: metric, period, scope and member, under the present name of the member.
with target as ({{ with_names(ref('int_targets')) }})

select
    target.metric,
    period.grain,
    target.period,
    period.period_start,
    period.period_end,
    target.business_unit as scope,
    target.dimension,
    target.known_member as member,
    target.target,
    target.unit,
    target.owner,
    coalesce(target.due, {{ add_days('period.period_end', -1) }}) as due,
    target.parent_kgi,
    target.reason,
    target.source_system,
    target.source_object,
    concat_ws(
        '|', target.metric, target.period, target.business_unit, target.dimension, target.known_member
    ) as record_id,
    target.source_file,
    target.source_line,
    target.source_sha256
from target
left join {{ ref('core_period') }} as period on target.period = period.period
