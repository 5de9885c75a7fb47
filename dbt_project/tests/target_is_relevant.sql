-- Targets whose metric is not the KGI that they name and does not drive it.
{{ config(
    severity='error',
    meta={
        'why': 'A target names the KGI that it serves, and its metric is that KGI or drives it.',
        'cure': 'Correct parent_kgi in targets.csv of the unit, in the folder company, or what the metric drives in its YAML.',
    },
) }}
with
    goal(metric, kgi) as ({{ kgi_rows() }}),

    irrelevant as (
        select target.record_id, target.metric, coalesce(target.parent_kgi, 'none') as parent_kgi
        from {{ ref('core_target') }} as target
        anti join goal on target.metric = goal.metric and target.parent_kgi = goal.kgi
    )

    {{
        fail_by_name(
            'irrelevant',
            "'Target ' || record_id || ': ' || metric || ' drives no KGI ' || parent_kgi || '.'",
        )
    }}
