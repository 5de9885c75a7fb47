-- Targets whose metric is none, or whose member the metric doesn't have.
{{ config(
    severity='error',
    meta={
        'cure': 'Correct the metric, dimension or member in dbt_project/seeds/targets.csv.',
        'ja': {
            'name': '目標の対象が明確である',
            'why': '目標は一覧にある指標と、その指標が持つ対象を示す。',
            'cure': 'dbt_project/seeds/targets.csv の指標、切り口または対象を訂正する。',
        },
    },
) }}
with catalogue (metric, unit, level, drives) as ({{ catalogue_rows() }}),

unspecific as (
    select
        target.record_id,
        case
            when catalogue.metric is null then 'there is no metric ' || target.metric
            else target.metric || ' has no ' || target.dimension || ' ' || target.member
        end as problem
    from {{ ref('core_target') }} as target
    left join catalogue on target.metric = catalogue.metric
    left join (select distinct metric, dimension, member from {{ ref('kpi_values') }}) as known
        on target.metric = known.metric and target.dimension = known.dimension and target.member = known.member
    where known.metric is null
)

{{ fail_by_name('unspecific', "'Target ' || record_id || ': ' || problem || '.'") }}
