-- One row per observation of a KPI, in one shape for all KPIs. It is a view: its readers ask for some metrics.
{{ config(materialized='view', contract={'enforced': false}) }}
{% set models = kpi_models() %}
{% for relation in (models if execute else []) %}
    {{ observations_of(relation.identifier.removeprefix('kpi_'), relation) }}
    union all
{% endfor %}
select *
from ({{ no_observations() }}) as nothing
