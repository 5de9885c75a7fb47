-- One row per metric, grain, period and member: what the member moved the whole company's value against the period
-- before. Of a rate, `rate_effect` is what its own rate moved, `mix_effect` what its share of the whole moved; they add
-- up over the members to the change of the whole. Medians have no such parts.
{% set models = kpi_models() %}
with metric (metric, base, aggregate, is_flow, minimum, of_metric, base_period, direction, unit, grains) as (
    values {{ metric_rows(models) if execute else "('', '', '', true, 1, '', '', '', '', [''])" }}
),

part as (
    select
        total.metric,
        total.grain,
        total.period_start,
        total.dimension,
        total.member,
        total.numerator,
        total.denominator,
        period.prior_start
    from {{ ref('kpi_totals') }} as total
    inner join {{ ref('core_period') }} as period
        on total.grain = period.grain and total.period_start = period.period_start
    where total.grain <> 'day' and total.dimension in ('region', 'team', 'product', 'segment', 'country', 'movement')
),

whole as (
    select metric, grain, period_start, numerator, denominator
    from {{ ref('kpi_totals') }}
    where dimension = 'company'
),

compared as (
    select metric, grain, period_start, dimension, member,
        sum(now_n) as now_n, sum(now_d) as now_d, sum(prior_n) as prior_n, sum(prior_d) as prior_d
    from (
        select metric, grain, period_start, dimension, member,
            numerator as now_n, denominator as now_d, 0 as prior_n, 0 as prior_d
        from part
        union all
        select part.metric, part.grain, period.period_start, part.dimension, part.member,
            0, 0, part.numerator, part.denominator
        from part
        inner join {{ ref('core_period') }} as period
            on part.grain = period.grain and part.period_start = period.prior_start
    )
    group by all
),

shares as (
    select
        compared.*,
        metric.aggregate,
        {{ exact_ratio('compared.now_d', 'now.denominator') }} as now_share,
        {{ exact_ratio('compared.prior_d', 'prior.denominator') }} as prior_share,
        {{ exact_ratio('prior.numerator', 'prior.denominator') }} as prior_whole,
        {{ exact_ratio('compared.now_n', 'compared.now_d') }} as now_rate,
        {{ exact_ratio('compared.prior_n', 'compared.prior_d') }} as prior_rate
    from compared
    inner join metric on compared.metric = metric.metric
    inner join whole as now
        on compared.metric = now.metric and compared.grain = now.grain and compared.period_start = now.period_start
    inner join {{ ref('core_period') }} as period
        on compared.grain = period.grain and compared.period_start = period.period_start
    inner join whole as prior
        on compared.metric = prior.metric and compared.grain = prior.grain and period.prior_start = prior.period_start
    where metric.aggregate in ('sum', 'last', 'ratio', 'average')
),

effect as (
    select
        metric,
        grain,
        period_start,
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
    from shares
)

select
    metric,
    grain,
    period_start,
    dimension,
    member,
    rate_effect::decimal(38, 8) as rate_effect,
    mix_effect::decimal(38, 8) as mix_effect,
    (rate_effect + mix_effect)::decimal(38, 8) as contribution
from effect
