-- One row per metric and variant: what the roll-up reads from the YAML beside its SQL. A variant shares the
-- observations of its metric, which is its base.
{% set metrics = plan().metrics %}
with
    metric(metric, base, kind, aggregate, driver, is_prorated, in_points, minimum, direction, grains, na_where) as (
        values
            {% for metric in metrics %}
                (
                    '{{ metric.metric }}',
                    '{{ metric.base }}',
                    '{{ metric.kind }}',
                    '{{ metric.aggregate }}',
                    {{ "'" ~ metric.driver ~ "'" if metric.driver else 'null' }},
                    {{ metric.is_prorated }},
                    {{ metric.in_points }},
                    {{ metric.minimum }},
                    '{{ metric.direction }}',
                    {{ text_list(metric.grains) }},
                    {{ text_list(metric.na_where) }}
                ){{ ',' if not loop.last }}
            {% else %} (null, null, null, null, null, null, null, null, null, null, null)
            {% endfor %}
    )

select
    metric::string as metric,
    base::string as base,
    kind::string as kind,
    aggregate::string as aggregate,
    (kind = 'flow')::boolean as is_flow,
    driver::string as driver,
    is_prorated::boolean as is_prorated,
    in_points::boolean as in_points,
    minimum::bigint as minimum,
    direction::string as direction,
    cast(grains as {{ type_of('strings') }}) as grains,
    cast(na_where as {{ type_of('strings') }}) as na_where
from metric
where metric is not null
