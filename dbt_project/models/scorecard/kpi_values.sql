-- One row per metric, grain, period, scope, dimension and member: its value, or the reason why it has none. A value
-- that is not settled has a second end, `at_most`: the value if everything that is pending comes about.
{% set shared = [
    'metric', 'grain', 'period', 'period_start', 'period_end', 'prior_start', 'year_ago_start', 'is_complete',
    'observed_until', 'days_elapsed', 'days', 'scope', 'dimension', 'member', 'numerator', 'denominator', 'value',
    'observations', 'na_reason',
] %}
{% set spans = [
    ('horizon', 'max(first_day)', 'min(last_day)'),
    ('unit', 'min(first_day)', 'max(last_day)'),
] %}
with
    -- The days on which a metric is observed in a unit. For the company, `horizon` has the days of all units, and
    -- `unit` the days of any unit.
    {% for name, first_day, last_day in spans %}
        {{ name }} as (
            select metric, business_unit as scope, first_day, last_day
            from {{ ref('horizons') }}
            union all
            select metric, 'all' as scope, {{ first_day }} as first_day, {{ last_day }} as last_day
            from {{ ref('horizons') }}
            group by metric
        ),
    {% endfor %}

    -- The gap of a metric's unit: something that a source of the unit lacks in all records. The company has the gaps of
    -- all its units.
    gap as (
        {% for scope in ['gap.business_unit', "'all'"] %}
            select metric.metric, {{ scope }} as scope, min(gap.gap) as gap
            from {{ ref('kpi_metrics') }} as metric
            inner join {{ ref('core_gap') }} as gap on array_contains(metric.na_where, gap.gap)
            group by all {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    measured as (
        select
            metric.metric,
            metric.aggregate,
            metric.minimum,
            total.grain,
            total.period_start,
            total.scope,
            total.dimension,
            total.member,
            total.numerator,
            total.denominator,
            total.pending,
            quantile.quantile,
            quantile.longer_than,
            total.observations,
            total.missing
        from {{ ref('kpi_metrics') }} as metric
        inner join
            {{ ref('kpi_totals') }} as total
            on metric.base = total.metric
            and array_contains(metric.grains, total.grain)
        left join
            {{ ref('kpi_quantiles') }} as quantile
            on {{ figure_key('total') }} = {{ figure_key('quantile') }}
            and metric.aggregate = quantile.aggregate
    ),

    -- Members that have a value though nothing was observed: the company and its units while they are observed, members
    -- with a target, and for sums and levels the members with something in the period before or a year before.
    expected as (
        select
            metric.metric,
            period.grain,
            period.period_start,
            unit.scope,
            if(unit.scope = 'all', 'company', 'business_unit') as dimension,
            unit.scope as member
        from {{ ref('kpi_metrics') }} as metric
        inner join unit on metric.base = unit.metric
        inner join
            {{ ref('core_period') }} as period
            on unit.first_day < period.period_end
            and unit.last_day >= period.period_start
            and array_contains(metric.grains, period.grain)

        union

        select target.metric, target.grain, target.period_start, target.scope, target.dimension, target.member
        from {{ ref('core_target') }} as target
        inner join
            {{ ref('kpi_metrics') }} as metric
            on target.metric = metric.metric
            and array_contains(metric.grains, target.grain)
        where metric.aggregate <> 'derived'

        union

        select before.metric, before.grain, period.period_start, before.scope, before.dimension, before.member
        from measured as before
        inner join
            {{ ref('core_period') }} as period
            on before.grain = period.grain
            and (before.period_start = period.prior_start or before.period_start = period.year_ago_start)
        where before.aggregate in ('sum', 'last')
    ),

    -- Without observations a sum is 0 if the sources of the unit cover the period, and any other measure is n/a.
    covered as (
        select expected.*, metric.aggregate
        from expected
        inner join {{ ref('kpi_metrics') }} as metric on expected.metric = metric.metric
        inner join
            {{ ref('core_period') }} as period
            on expected.grain = period.grain
            and expected.period_start = period.period_start
        inner join
            unit
            on metric.base = unit.metric
            and expected.scope = unit.scope
            and unit.first_day < period.period_end
            and unit.last_day >= period.period_start
        anti join measured on {{ figure_key('expected') }} = {{ figure_key('measured') }}
    ),

    valued as (
        select
            metric,
            grain,
            period_start,
            scope,
            dimension,
            member,
            numerator,
            denominator,
            case
                when missing > 0 or observations < minimum
                then null
                when aggregate in ('sum', 'last')
                then numerator::decimal(38, 8)
                when aggregate in ('ratio', 'average')
                then {{ exact_ratio('numerator', 'denominator') }}
                else quantile
            end as value,
            case when missing = 0 and observations >= minimum then longer_than end as longer_than,
            nullif(pending, 0) as pending,
            observations,
            case
                when missing > 0
                then 'missing_inputs'
                when observations < minimum
                then 'too_few_observations'
                when aggregate in ('ratio', 'average') and denominator = 0
                then 'no_denominator'
                when longer_than is not null
                then 'longer_than'
            end as na_reason
        from measured

        union all

        select
            metric,
            grain,
            period_start,
            scope,
            dimension,
            member,
            0 as numerator,
            0 as denominator,
            case when aggregate in ('sum', 'last') then 0 end as value,
            null as longer_than,
            null as pending,
            0 as observations,
            case when aggregate not in ('sum', 'last') then 'no_observations' end as na_reason
        from covered
    ),

    completed as (
        select
            valued.metric,
            valued.grain,
            valued.period_start,
            valued.scope,
            valued.dimension,
            valued.member,
            valued.numerator::decimal(38, 8) as numerator,
            valued.denominator::decimal(38, 8) as denominator,
            if(gap.gap is null, valued.value, null) as value,
            if(gap.gap is null, valued.longer_than, null) as longer_than,
            valued.pending,
            valued.observations,
            coalesce(gap.gap, valued.na_reason) as na_reason,
            -- The amount that derived metrics add up and divide: a sum counts as it is, even where a part of it is
            -- missing.
            if(metric.aggregate in ('sum', 'last'), valued.numerator, valued.value) as amount,
            period.period,
            period.period_end,
            period.prior_start,
            period.year_ago_start,
            least(period.period_end, {{ add_days('horizon.last_day', 1) }}) as observed_until,
            -- In the period in which its source began, a stock has its full size, but nothing in it can be old yet.
            ((not metric.is_flow and metric.aggregate in ('last', 'ratio')) or period.period_start >= horizon.first_day)
            and period.period_end <= {{ add_days('horizon.last_day', 1) }} as is_complete,
            {{
                days_between(
                    'period.period_start',
                    'least(period.period_end, ' ~ add_days('horizon.last_day', 1) ~ ')',
                )
            }} as days_elapsed,
            {{ days_between('period.period_start', 'period.period_end') }} as days
        from valued
        inner join {{ ref('kpi_metrics') }} as metric on valued.metric = metric.metric
        inner join
            {{ ref('core_period') }} as period
            on valued.grain = period.grain
            and valued.period_start = period.period_start
        inner join horizon on metric.base = horizon.metric and valued.scope = horizon.scope
        left join gap on valued.metric = gap.metric and valued.scope = gap.scope
        where period.period_start <= horizon.last_day
    ),

    {% for metric in plan().derived %} {{ metric.name }} as ({{ derived_values(metric) }}), {% endfor %}
    everything as (
        select {{ shared | join(', ') }}, pending, longer_than
        from completed
        {% for metric in plan().derived %}
            union all
            select {{ shared | join(', ') }}, null as pending, null as longer_than
            from {{ metric.name }}
        {% endfor %}
    )

select
    metric::string as metric,
    grain::string as grain,
    period::string as period,
    period_start::date as period_start,
    period_end::date as period_end,
    prior_start::date as prior_start,
    year_ago_start::date as year_ago_start,
    is_complete::boolean as is_complete,
    observed_until::date as observed_until,
    greatest(least({{ exact_ratio('days_elapsed', 'days') }}, 1), 0)::decimal(9, 8) as elapsed_share,
    scope::string as scope,
    dimension::string as dimension,
    member::string as member,
    numerator::decimal(38, 8) as numerator,
    denominator::decimal(38, 8) as denominator,
    value::decimal(38, 8) as value,
    pending::decimal(38, 8) as pending,
    (
        case
            when value is not null and pending is not null
            then {{ exact_ratio('(numerator + pending)', 'denominator') }}
        end
    )::decimal(38, 8) as at_most,
    longer_than::decimal(38, 8) as longer_than,
    observations::bigint as observations,
    na_reason::string as na_reason
from everything
