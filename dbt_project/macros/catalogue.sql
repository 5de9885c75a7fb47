{# What the project's YAML says, for macros to read. A unit test of dbt has neither the graph nor `this`: there the name
   comes from the test, columns from the table that was built, and the rest from the test's `overrides: vars`. #}


{# The name of the model that is built or tested. #}
{% macro model_name() %}
    {{ return(this.name if this else (model.tested_node_unique_id or model.name).split('.')[-1]) }}
{% endmacro %}


{# The columns that the fact's YAML lists; empty while dbt still parses. #}
{% macro fact_columns(fact) %}
    {% if not execute %}{{ return({}) }}{% endif %}
    {% if graph.nodes %}{{ return(graph.nodes['model.' ~ project_name ~ '.' ~ fact].columns) }}{% endif %}
    {% set built = api.Relation.create(database=target.database, schema='core', identifier=fact) %}
    {{ return(adapter.get_columns_in_relation(built) | map(attribute='name') | list) }}
{% endmacro %}


{# The parameters in a metric's YAML. #}
{% macro model_parameters(metric_model) %}
    {% if not execute %}{{ return({}) }}{% endif %}
    {% if not graph.nodes %}{{ return(var('parameters', {})) }}{% endif %}
    {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ metric_model].config.meta.get('parameters', {})) }}
{% endmacro %}


{# A model's relation without a dependency of its own: what calls this already depends on it through a KPI model. #}
{% macro relation_of(model_name) %}
    {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ model_name].relation_name if graph.nodes else ref(model_name)) }}
{% endmacro %}


{# Every metric and variant beside one, as rows for a test to read: (metric, unit, level, drives). #}
{% macro catalogue_rows() -%}
    values
    {%- if not execute %} (null, null, null, ['']){% endif %}
    {%- for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.name.startswith('kpi_') and node.config.meta.get('level') %}
    {%- set outer = loop -%}
    {%- for suffix in [''] + node.config.meta.get('beside', []) | map(attribute='name') | list %}
    ('{{ node.name | replace("kpi_", "") }}{{ "_" ~ suffix if suffix }}', '{{ node.config.meta.unit }}', '{{ node.config.meta.level }}',
        {{ (node.config.meta.get('drives', []) | map('string') | list) or "[]::varchar[]" }})
    {%- if not (outer.last and loop.last) %},{% endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}


{# Ends a test's query: it fails with a sentence that names what is wrong, rather than with a count of rows. The error is in
   the condition, since dbt counts the rows and DuckDB leaves out a column that nobody reads. #}
{% macro fail_by_name(relation, sentence) -%}
select 1 as said
from {{ relation }}
having count(*) > 0 and error(string_agg(distinct {{ sentence }}, ' ' order by {{ sentence }})) is null
{%- endmacro %}


{# The business units that sources are declared for and of which nothing was read yet: their targets can't be judged. #}
{% macro units_without_data() -%}
    select declared.unit
    from (
        {%- for unit in var('sources', {}).values() | map(attribute='business_unit') | unique %}
        select {{ text(unit) }} as unit
        union all
        {%- endfor %}
        select null::varchar as unit where false
    ) as declared
    anti join {{ ref('core_horizon') }} as horizon on declared.unit = horizon.business_unit
{%- endmacro %}
