-- One row per metric, grain, period, dimension and member: its value, or the reason why there is none.
{% set models = kpi_models() %}
with metric (metric, base, aggregate, is_flow, minimum, of_metric, base_period, direction, unit, grains) as (
    values {{ metric_rows(models) if execute else "('', '', '', true, 1, '', '', '', '', [''])" }}
),

horizon as (
    select metric, business_unit as member, 'business_unit' as dimension, first_day, last_day
    from {{ ref('horizons') }}
    union all
    select metric, null as member, null as dimension, max(first_day) as first_day, min(last_day) as last_day
    from {{ ref('horizons') }}
    group by metric
),

measured as (
    select
        metric.metric,
        metric.aggregate,
        metric.minimum,
        total.grain,
        total.period_start,
        total.dimension,
        total.member,
        total.numerator,
        total.denominator,
        quantile.quantile,
        total.observations,
        total.missing
    from metric
    inner join {{ ref('kpi_totals') }} as total
        on metric.base = total.metric and list_contains(metric.grains, total.grain)
    left join {{ ref('kpi_quantiles') }} as quantile
        on metric.base = quantile.metric and metric.aggregate = quantile.aggregate
        and total.grain = quantile.grain and total.period_start = quantile.period_start
        and total.dimension = quantile.dimension and total.member = quantile.member
),

-- A sum of nothing is 0 where the unit's sources cover the period; any other measure of nothing is n/a.
covered as (
    select
        metric.metric,
        metric.aggregate,
        period.grain,
        period.period_start,
        unit.dimension,
        unit.member
    from metric
    inner join (
        select metric, 'business_unit' as dimension, business_unit as member, first_day, last_day
        from {{ ref('horizons') }}
        union all
        select metric, 'company' as dimension, 'all' as member, min(first_day) as first_day, max(last_day) as last_day
        from {{ ref('horizons') }}
        group by metric
    ) as unit on metric.base = unit.metric
    inner join {{ ref('core_period') }} as period
        on unit.first_day < period.period_end and unit.last_day >= period.period_start
        and list_contains(metric.grains, period.grain)
    anti join measured
        on metric.metric = measured.metric and period.grain = measured.grain
        and period.period_start = measured.period_start
        and unit.dimension = measured.dimension and unit.member = measured.member
),

valued as (
    select
        metric,
        grain,
        period_start,
        dimension,
        member,
        numerator,
        denominator,
        case
            when missing > 0 or observations < minimum then null
            when aggregate in ('sum', 'last') then numerator::decimal(38, 8)
            when aggregate in ('ratio', 'average') then {{ exact_ratio('numerator', 'denominator') }}
            else quantile
        end as value,
        observations,
        case
            when missing > 0 then 'missing_inputs'
            when observations < minimum then 'too_few_observations'
            when aggregate in ('ratio', 'average') and denominator = 0 then 'no_denominator'
        end as na_reason
    from measured

    union all

    select
        metric,
        grain,
        period_start,
        dimension,
        member,
        0 as numerator,
        0 as denominator,
        case when aggregate in ('sum', 'last') then 0 end as value,
        0 as observations,
        case when aggregate not in ('sum', 'last') then 'no_observations' end as na_reason
    from covered
),

completed as (
    select
        valued.*,
        period.period,
        period.period_end,
        period.prior_start,
        period.year_ago_start,
        (not metric.is_flow or period.period_start >= horizon.first_day)
        and period.period_end <= horizon.last_day + 1 as is_complete,
        (
            least(period.period_end, horizon.last_day + 1) - period.period_start
        )::decimal(18, 8) as days_elapsed,
        (period.period_end - period.period_start)::decimal(18, 8) as days
    from valued
    inner join metric on valued.metric = metric.metric
    inner join {{ ref('core_period') }} as period
        on valued.grain = period.grain and valued.period_start = period.period_start
    inner join horizon
        on metric.base = horizon.metric
        and coalesce(horizon.member = valued.member and horizon.dimension = valued.dimension,
            valued.dimension <> 'business_unit')
    where period.period_start <= horizon.last_day
),

-- What growth looks at: a member's value of the period, or 0 where only the period it looks back at has the member.
grown as (
    select metric.metric, metric.base_period, completed.*
    from metric
    inner join (select * rename (metric as of_metric) from completed) as completed
        on metric.of_metric = completed.of_metric
    where metric.aggregate = 'growth'
),

current as (
    select * from grown
    union all by name
    select
        whole.* exclude (dimension, member, numerator, denominator, value, observations, na_reason),
        base.dimension,
        base.member,
        0 as numerator,
        0 as observations
    from grown as whole
    inner join grown as base
        on whole.metric = base.metric and whole.grain = base.grain
        and base.period_start = if(whole.base_period = 'prior', whole.prior_start, whole.year_ago_start)
    anti join grown as now
        on whole.metric = now.metric and whole.grain = now.grain and whole.period_start = now.period_start
        and base.dimension = now.dimension and base.member = now.member
    where whole.dimension = 'company'
),

growth as (
    select
        now.metric,
        now.grain,
        now.period_start,
        now.dimension,
        now.member,
        now.numerator - coalesce(base.numerator, 0) as numerator,
        abs(coalesce(base.numerator, 0)) as denominator,
        case
            when now.is_complete and whole.is_complete then
                {{ exact_ratio('(now.numerator - base.numerator)', 'base.numerator') }} * sign(base.numerator)::int
        end as value,
        now.observations + coalesce(base.observations, 0) as observations,
        case
            when whole.metric is null then 'no_history'
            when not (now.is_complete and whole.is_complete) then 'partial_period'
            when coalesce(base.numerator, 0) = 0 then 'no_denominator'
        end as na_reason,
        now.period,
        now.period_end,
        now.prior_start,
        now.year_ago_start,
        now.is_complete,
        now.days_elapsed,
        now.days
    from current as now
    -- The period looked back at: its unit's, or the company's, which has a value even where the member has none.
    left join grown as whole
        on now.metric = whole.metric and now.grain = whole.grain
        and whole.period_start = if(now.base_period = 'prior', now.prior_start, now.year_ago_start)
        and whole.dimension = if(now.dimension = 'business_unit', 'business_unit', 'company')
        and whole.member = if(now.dimension = 'business_unit', now.member, 'all')
    left join grown as base
        on now.metric = base.metric and now.grain = base.grain and whole.period_start = base.period_start
        and now.dimension = base.dimension and now.member = base.member
),

attainment as (
    select
        metric.metric,
        actual.grain,
        actual.period_start,
        actual.dimension,
        actual.member,
        actual.numerator,
        target.target as denominator,
        {{ exact_ratio('actual.numerator', 'target.target') }} as value,
        actual.observations + 1 as observations,
        if(target.target = 0, 'no_denominator', null) as na_reason,
        actual.period,
        actual.period_end,
        actual.prior_start,
        actual.year_ago_start,
        actual.is_complete,
        actual.days_elapsed,
        actual.days
    from metric
    inner join completed as actual on metric.of_metric = actual.metric
    inner join {{ ref('core_target') }} as target
        on actual.metric = target.metric and actual.grain = target.grain
        and actual.period_start = target.period_start
        and actual.dimension = target.dimension and actual.member = target.member
    where metric.aggregate = 'attainment'
),

everything as (
    select * exclude (numerator, denominator), numerator::decimal(38, 4) as numerator,
        denominator::decimal(38, 4) as denominator from completed
    union all by name
    select * from growth
    union all by name
    select * from attainment
)

select
    metric::varchar as metric,
    grain::varchar as grain,
    period::varchar as period,
    period_start::date as period_start,
    period_end::date as period_end,
    prior_start::date as prior_start,
    year_ago_start::date as year_ago_start,
    is_complete::boolean as is_complete,
    (greatest(least(days_elapsed / days, 1), 0))::decimal(9, 8) as elapsed_share,
    dimension::varchar as dimension,
    member::varchar as member,
    numerator::decimal(38, 4) as numerator,
    denominator::decimal(38, 4) as denominator,
    value::decimal(38, 8) as value,
    observations::bigint as observations,
    na_reason::varchar as na_reason
from everything
