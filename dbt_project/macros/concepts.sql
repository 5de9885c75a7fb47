{# All records of a concept (accounts, opportunities, …) of all sources that deliver it. The engine finds their models by
   name, `stg_<source>__<concept>` or `int_<source>__<concept>`, and refuses one that does not fit. The columns are those
   in the YAML of the model that calls this: one that a source lacks is null, the business unit is the source's, and so
   is the currency of a record that names none. #}
{% macro concept(name) %}
    {%- set columns = model.columns.values() | list if execute else [] -%}
    {%- for source_model in var('concepts', {}).get(name, []) %}
    {%- set delivered = graph.nodes['model.' ~ project_name ~ '.' ~ source_model].columns if execute else {} -%}
    {{- 'union all\n' if not loop.first -}}
select
        {%- for column in columns %}
    cast({{ _delivered(column.name, delivered) }} as {{ type_of(column.data_type) }}) as {{ column.name }}
        {{- ',' if not loop.last }}
        {%- endfor %}
from {{ ref(source_model) }}
    {% else -%}
select
        {%- for column in columns %}
    cast(null as {{ type_of(column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
where false
    {%- endfor -%}
{% endmacro %}


{# What a source's model has of a column of its concept. #}
{% macro _delivered(column, delivered) -%}
    {%- if column == 'business_unit' -%}
        {{ of_source('business_unit') }}
    {%- elif column == 'currency' and column in delivered -%}
        coalesce(currency, {{ of_source('currency') }})
    {%- elif column == 'currency' -%}
        {{ of_source('currency') }}
    {%- elif column in delivered -%}
        {{ column }}
    {%- else -%}
        null
    {%- endif -%}
{%- endmacro %}


{# What is declared of the source that a row is of: its `business_unit` or its `currency`. #}
{% macro of_source(key) -%}
    {%- if var('sources', {}) -%}
        case source_system
        {%- for name, source in var('sources').items() %} when '{{ name }}' then {{ text(source[key]) }}{% endfor %} end
    {%- else -%}
        null
    {%- endif -%}
{%- endmacro %}


{# A text as SQL writes it. #}
{% macro text(value) -%}
    {{ dbt.string_literal(dbt.escape_single_quotes(value)) }}
{%- endmacro %}
