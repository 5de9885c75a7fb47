-- One row per metric, grain, period, scope, dimension and member: its value beside target and baselines, and a status.
-- A sum and its attainment are compared with the share of the target that belongs to the elapsed share of the period,
-- and any other measure with the target itself. A partial period is compared with no other period. A sum over units
-- that are known through different days is compared with nothing: no share of the target belongs to the days of all of
-- them. A value that isn't settled has a status only if both of its ends have the same.
with
    latest as (
        select metric, grain, period_start, max(observed_until) as observed_until
        from {{ ref('kpi_values') }}
        where dimension = 'business_unit'
        group by metric, grain, period_start
    ),

    compared as (
        select
            now.*,
            metric.base,
            metric.in_points,
            metric.direction,
            target.target,
            case
                when metric.is_prorated and now.dimension = 'company' and now.observed_until < latest.observed_until
                then null
                when metric.is_prorated
                then {{ exact_product('now.elapsed_share', 'target.target') }}
                else target.target::decimal(38, 8)
            end as expected,
            prior.value as prior_value,
            year_ago.value as year_ago_value
        from {{ ref('kpi_values') }} as now
        inner join {{ ref('kpi_metrics') }} as metric on now.metric = metric.metric
        left join {{ ref('kpi_targets') }} as target on {{ figure_key('now') }} = {{ figure_key('target') }}
        left join
            latest
            on coalesce(metric.driver, metric.metric) = latest.metric
            and now.grain = latest.grain
            and now.period_start = latest.period_start
        left join
            {{ ref('kpi_values') }} as prior
            on {{ figure_key('now', period_start='now.prior_start') }} = {{ figure_key('prior') }}
            and now.is_complete
            and prior.is_complete
        left join
            {{ ref('kpi_values') }} as year_ago
            on {{ figure_key('now', period_start='now.year_ago_start') }} = {{ figure_key('year_ago') }}
            and now.is_complete
            and year_ago.is_complete
    ),

    measured as (
        select
            compared.*,
            value - prior_value as change,
            value - year_ago_value as year_ago_change,
            {{ better_by('value') }} as better_by,
            {{ better_by('coalesce(at_most, value)') }} as at_most_better_by
        from compared
    ),

    judged as (
        select
            *,
            if(
                {{ status_of('better_by') }} = {{ status_of('at_most_better_by') }}, {{ status_of('better_by') }}, 'na'
            ) as status
        from measured
    )

select
    judged.metric,
    judged.grain,
    judged.period,
    judged.period_start,
    judged.period_end,
    judged.is_complete,
    judged.elapsed_share,
    judged.observed_until,
    judged.scope,
    judged.dimension,
    judged.member,
    judged.numerator,
    judged.denominator,
    judged.value,
    judged.pending,
    judged.at_most,
    judged.longer_than,
    judged.observations,
    judged.na_reason,
    judged.target::decimal(30, 8) as target,
    judged.expected::decimal(38, 8) as expected,
    judged.status,
    judged.prior_value,
    judged.change::decimal(38, 8) as change,
    ({{ exact_ratio('judged.change', 'judged.prior_value') }} * sign(judged.prior_value)::int)::decimal(
        38, 8
    ) as change_ratio,
    judged.year_ago_value,
    judged.year_ago_change::decimal(38, 8) as year_ago_change,
    ({{ exact_ratio('judged.year_ago_change', 'judged.year_ago_value') }} * sign(judged.year_ago_value)::int)::decimal(
        38, 8
    ) as year_ago_change_ratio
from judged
