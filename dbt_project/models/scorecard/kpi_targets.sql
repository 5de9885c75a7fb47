-- One row per target, with the rank of its required improvement among the past changes of the metric, of the same
-- length. A target that the period before has reached already requires none, and has no rank.
with
    target as (
        select target.*, period.prior_start
        from {{ ref('core_target') }} as target
        inner join
            {{ ref('core_period') }} as period
            on target.grain = period.grain
            and target.period_start = period.period_start
    ),

    past_change as (
        select
            now.metric,
            now.grain,
            now.period_start,
            now.scope,
            now.dimension,
            now.member,
            (now.value - prior.value) * if(metric.direction = 'higher', 1, -1) as improvement
        from {{ ref('kpi_values') }} as now
        inner join {{ ref('kpi_metrics') }} as metric on now.metric = metric.metric
        inner join
            {{ ref('kpi_values') }} as prior
            on {{ figure_key('now', period_start='now.prior_start') }} = {{ figure_key('prior') }}
        where
            now.is_complete
            and prior.is_complete
            and now.value is not null
            and prior.value is not null
            -- A value that is not settled does not show what was possible.
            and now.at_most is null
            and prior.at_most is null
    ),

    required as (
        select target.*, (target.target - prior.value) * if(metric.direction = 'higher', 1, -1) as improvement
        from target
        inner join {{ ref('kpi_metrics') }} as metric on target.metric = metric.metric
        left join
            {{ ref('kpi_values') }} as prior
            on {{ figure_key('target', period_start='target.prior_start') }} = {{ figure_key('prior') }}
            and prior.is_complete
            and prior.at_most is null
    ),

    ranked as (
        select
            required.record_id,
            count(past_change.improvement) as past_changes,
            count(*) filter (where past_change.improvement < required.improvement) as smaller
        from required
        left join
            past_change
            on {{ figure_key('required', period_start="'any'") }}
            = {{ figure_key('past_change', period_start="'any'") }}
            and past_change.period_start < required.period_start
        where required.improvement > 0
        group by required.record_id
    )

select
    target.metric,
    target.grain,
    target.period,
    target.period_start,
    target.scope,
    target.dimension,
    target.member,
    target.target,
    target.unit,
    target.owner,
    target.due,
    target.parent_kgi,
    target.reason,
    target.source_file,
    target.source_line,
    target.source_sha256,
    case when ranked.past_changes >= 8 then {{ exact_ratio('ranked.smaller', 'ranked.past_changes') }} end::decimal(
        38, 8
    ) as achievable,
    coalesce(ranked.past_changes >= 8 and ranked.smaller >= 0.95 * ranked.past_changes, false)::boolean
    as is_unrealistic
from target
left join ranked on target.record_id = ranked.record_id
