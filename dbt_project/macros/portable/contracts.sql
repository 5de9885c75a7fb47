{# What dbt holds a model to: an empty select of its contract's columns, their types in the engine's words. #}
{% macro default__get_empty_schema_sql(columns) %}
    {% set named = {} %}
    {% for name, column in columns.items() %}
        {% do named.update({name: dict(column, data_type=type_of(column.data_type))}) %}
    {% endfor %}
    {{ return(dbt.default__get_empty_schema_sql(named)) }}
{% endmacro %}
