-- One row per metric and variant: what the roll-up must know of it, from the YAML beside its SQL. A variant shares the
-- observations of its metric, its base.
{% set models = kpi_models() %}
with metric (metric, base, aggregate, is_flow, minimum, of_metric, base_period, direction, grains, na_where) as (
    values
    {% if not execute %}(null, null, null, null, null, null, null, null, null, null){% endif %}
    {% for relation in (models if execute else []) %}
    {% set base = relation.identifier | replace('kpi_', '') %}
    {% set meta = graph.nodes['model.' ~ project_name ~ '.' ~ relation.identifier].config.meta %}
    {% set pass = meta.get('pass', {}) %}
    {% set is_flow = not pass or not (pass.until or 'grain' in fact_columns(pass.fact)) %}
    {% set outer = loop %}
    {% for item in [{'name': none, 'aggregate': meta.aggregate}] + meta.get('beside', []) %}
    (
        '{{ base ~ ("_" ~ item.name if item.name else "") }}', '{{ base }}', '{{ item.aggregate }}', {{ is_flow }},
        {{ meta.get('minimum_observations', 1) }}, {{ ("'" ~ meta.of ~ "'") if meta.get('of') else 'null' }},
        '{{ meta.get('parameters', {}).get('base', 'prior') }}', '{{ meta.direction }}',
        {{ meta.get('grains', ['day', 'week', 'month', 'quarter', 'year']) | map('string') | list }},
        {{ meta.get('na_where', []) | map('string') | list }}
    ){{ ',' if not (outer.last and loop.last) }}
    {% endfor %}
    {% endfor %}
)

select
    metric::varchar as metric,
    base::varchar as base,
    aggregate::varchar as aggregate,
    is_flow::boolean as is_flow,
    minimum::bigint as minimum,
    of_metric::varchar as of_metric,
    base_period::varchar as base_period,
    direction::varchar as direction,
    grains::varchar[] as grains,
    na_where::varchar[] as na_where
from metric
