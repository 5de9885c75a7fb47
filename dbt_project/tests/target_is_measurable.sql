-- Targets without a number, or in another unit than their metric.
{{ config(
    severity='error',
    meta={
        'why': 'A target is a number in the unit of its metric.',
        'cure': 'Correct the target or its unit in targets.csv of the unit, in the folder company.',
    },
) }}
with
    catalogue(metric, unit) as ({{ catalogue_rows() }}),

    unmeasurable as (
        select
            target.record_id, coalesce(target.unit, 'no unit') as unit, catalogue.unit as unit_of_metric, target.target
        from {{ ref('core_target') }} as target
        inner join catalogue on target.metric = catalogue.metric
        where target.unit is distinct from catalogue.unit or target.target is null
    )

    {{
        fail_by_name(
            'unmeasurable',
            "'Target ' || record_id || ': '
            || coalesce(trim(trailing '.' from trim(trailing '0' from target::string)), 'no number') || ' in ' || unit
            || ', its metric is in ' || unit_of_metric || '.'",
        )
    }}
