-- Targets whose metric neither is nor drives the KGI that they name.
{{ config(
    severity='error',
    meta={
        'why': 'A target names the KGI that it serves, and its metric is that KGI or drives it.',
        'cure': 'Correct parent_kgi in targets.csv of the unit, in the folder company, or what the metric drives in its YAML.',
    },
) }}
with recursive catalogue (metric, unit, level, drives) as ({{ catalogue_rows() }}),

-- `union` keeps a metric once, so a cycle ends.
reach as (
    select metric, metric as reached from catalogue
    union
    select reach.metric, unnest(catalogue.drives)
    from reach
    inner join catalogue on reach.reached = catalogue.metric
),

irrelevant as (
    select target.record_id, target.metric, coalesce(target.parent_kgi, 'none') as parent_kgi
    from {{ ref('core_target') }} as target
    anti join (
        select reach.metric, reach.reached
        from reach
        inner join catalogue on reach.reached = catalogue.metric and catalogue.level = 'kgi'
    ) as goal on target.metric = goal.metric and target.parent_kgi = goal.reached
)

{{ fail_by_name('irrelevant', "'Target ' || record_id || ': ' || metric || ' drives no KGI ' || parent_kgi || '.'") }}
