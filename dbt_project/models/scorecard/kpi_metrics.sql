-- One row per metric and variant: what the roll-up must know of it, from the YAML beside its SQL. A variant shares the
-- observations of its metric, its base.
{% set metrics = plan().metrics %}
with metric (metric, base, kind, aggregate, driver, is_prorated, in_points, minimum, direction, grains, na_where) as (
    values
    {% for metric in metrics %}
    (
        '{{ metric.metric }}', '{{ metric.base }}', '{{ metric.kind }}', '{{ metric.aggregate }}',
        {{ "'" ~ metric.driver ~ "'" if metric.driver else 'null' }}, {{ metric.is_prorated }}, {{ metric.in_points }},
        {{ metric.minimum }}, '{{ metric.direction }}', {{ metric.grains }}, {{ metric.na_where or '[]::varchar[]' }}
    ){{ ',' if not loop.last }}
    {% else %}
    (null, null, null, null, null, null, null, null, null, null, null)
    {% endfor %}
)

select
    metric::varchar as metric,
    base::varchar as base,
    kind::varchar as kind,
    aggregate::varchar as aggregate,
    (kind = 'flow')::boolean as is_flow,
    driver::varchar as driver,
    is_prorated::boolean as is_prorated,
    in_points::boolean as in_points,
    minimum::bigint as minimum,
    direction::varchar as direction,
    grains::varchar[] as grains,
    na_where::varchar[] as na_where
from metric
where metric is not null
