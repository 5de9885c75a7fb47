{# An empty select of a contract's columns, with the engine's types. dbt compares a model with it. #}
{% macro default__get_empty_schema_sql(columns) %}
    {% set named = {} %}
    {% for name, column in columns.items() %}
        {% do named.update({name: dict(column, data_type=type_of(column.data_type))}) %}
    {% endfor %}
    {{ return(dbt.default__get_empty_schema_sql(named)) }}
{% endmacro %}
