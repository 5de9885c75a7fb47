-- Targets with an unknown metric, or with a member that no record of the business unit has.
{{ config(
    severity='error',
    meta={
        'why': 'A target names a metric of the catalogue and a member that the metric has.',
        'cure': 'Correct the metric, dimension or member in targets.csv of the unit, in the folder company; a member that was renamed goes into aliases.csv beside it.',
    },
) }}
with
    catalogue(metric, unit) as ({{ catalogue_rows() }}),

    -- A rep without a sale may have a target.
    known as (
        select scope, dimension, member
        from {{ ref('kpi_totals') }}
        {% for name in var('members', []) %}
                {% set listing = ref(name) %}
            {% for dimension in dimensions_of(name) if dimension != 'company' %}
                union
                select business_unit, '{{ dimension }}', {{ dimension }}
                from {{ listing }}
            {% endfor %}
        {% endfor %}
    ),

    unspecific as (
        select
            target.record_id,
            case
                when catalogue.metric is null
                then 'there is no metric ' || target.metric
                else
                    coalesce(target.scope, 'no business unit') || ' has no ' || target.dimension || ' ' || target.member
            end as problem
        from {{ ref('core_target') }} as target
        left join catalogue on target.metric = catalogue.metric
        left join
            known on target.scope = known.scope and target.dimension = known.dimension and target.member = known.member
        where
            (catalogue.metric is null or known.member is null)
            and coalesce(target.scope, '') not in ({{ units_without_data() }})
    )

    {{ fail_by_name('unspecific', "'Target ' || record_id || ': ' || problem || '.'") }}
