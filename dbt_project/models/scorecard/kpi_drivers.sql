-- One row per metric, grain, period, business unit and member: what the member moved the unit's value against the
-- period before. Of a rate, `rate_effect` is what its own rate moved, `mix_effect` what its share of the whole moved;
-- they add up over the members of a dimension to the change of the whole. Of a growth against the period before, it is
-- the member's part of the growth itself. Medians have no such parts, nor have members that don't make up the whole,
-- as a customer's products don't.
with total as (
    select total.*, period.prior_start
    from {{ ref('kpi_totals') }} as total
    inner join {{ ref('core_period') }} as period
        on total.grain = period.grain and total.period_start = period.period_start
    where total.scope <> 'all' and total.dimension <> 'rep' and total.grain <> 'day'
),

whole as (
    select
        now.metric,
        now.grain,
        now.period_start,
        now.scope,
        now.numerator,
        now.denominator,
        now.observations,
        prior.numerator as prior_numerator,
        prior.denominator as prior_denominator,
        prior.observations as prior_observations
    from total as now
    inner join total as prior
        on now.metric = prior.metric and now.grain = prior.grain and now.prior_start = prior.period_start
        and now.scope = prior.scope and now.dimension = prior.dimension and now.member = prior.member
    where now.dimension = 'business_unit'
),

-- Each member now and in the period before, whichever of the two it is in.
compared as (
    select metric, grain, period_start, scope, dimension, member,
        sum(now_n) as now_n, sum(now_d) as now_d, sum(now_k) as now_k,
        sum(prior_n) as prior_n, sum(prior_d) as prior_d, sum(prior_k) as prior_k
    from (
        select metric, grain, period_start, scope, dimension, member,
            numerator as now_n, denominator as now_d, observations as now_k,
            0 as prior_n, 0 as prior_d, 0 as prior_k
        from total
        union all
        select total.metric, total.grain, period.period_start, total.scope, total.dimension, total.member,
            0, 0, 0, total.numerator, total.denominator, total.observations
        from total
        inner join {{ ref('core_period') }} as period
            on total.grain = period.grain and total.period_start = period.prior_start
    )
    where dimension <> 'business_unit'
    group by all
),

part as (
    select
        compared.*,
        metric.aggregate,
        whole.prior_numerator,
        {{ exact_ratio('compared.now_d', 'whole.denominator') }} as now_share,
        {{ exact_ratio('compared.prior_d', 'whole.prior_denominator') }} as prior_share,
        {{ exact_ratio('whole.prior_numerator', 'whole.prior_denominator') }} as prior_whole,
        {{ exact_ratio('compared.now_n', 'compared.now_d') }} as now_rate,
        {{ exact_ratio('compared.prior_n', 'compared.prior_d') }} as prior_rate
    from compared
    inner join {{ ref('kpi_metrics') }} as metric on compared.metric = metric.metric
    inner join whole
        on compared.metric = whole.metric and compared.grain = whole.grain
        and compared.period_start = whole.period_start and compared.scope = whole.scope
    where metric.aggregate in ('sum', 'last', 'ratio', 'average')
    window members as (
        partition by compared.metric, compared.grain, compared.period_start, compared.scope, compared.dimension
    )
    qualify sum(now_k) over members = whole.observations and sum(prior_k) over members = whole.prior_observations
),

effect as (
    select
        metric,
        grain,
        period_start,
        scope,
        dimension,
        member,
        case when aggregate in ('sum', 'last') then (now_n - prior_n)::decimal(38, 8)
            else (now_share::decimal(12, 8)
                * (coalesce(now_rate, 0) - coalesce(prior_rate, prior_whole))::decimal(26, 8))::decimal(38, 8)
        end as rate_effect,
        case when aggregate in ('sum', 'last') then 0
            else ((now_share - prior_share)::decimal(12, 8)
                * (coalesce(prior_rate, prior_whole) - prior_whole)::decimal(26, 8))::decimal(38, 8)
        end as mix_effect
    from part

    union all

    select
        growth.metric,
        part.grain,
        part.period_start,
        part.scope,
        part.dimension,
        part.member,
        {{ exact_ratio('(part.now_n - part.prior_n)', 'part.prior_numerator') }} * sign(part.prior_numerator)::int,
        0
    from {{ ref('kpi_metrics') }} as growth
    inner join part on growth.of_metric = part.metric
    where growth.aggregate = 'growth' and growth.base_period = 'prior' and part.prior_numerator <> 0
)

select
    metric,
    grain,
    period_start,
    scope,
    dimension,
    member,
    rate_effect::decimal(38, 8) as rate_effect,
    mix_effect::decimal(38, 8) as mix_effect,
    (rate_effect + mix_effect)::decimal(38, 8) as contribution
from effect
