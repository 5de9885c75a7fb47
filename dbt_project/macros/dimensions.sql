{# All dimensions by which there are figures. They are declared in dbt_project/dimensions/. The last ones are pairs of
   two dimensions, which metrics declare by `cross`. #}
{% macro all_dimensions() %} {{ return(var('dimensions') | map(attribute='name') | list) }} {% endmacro %}


{# The dimensions that a fact may have as a column. #}
{% macro own_dimensions() %}
    {{ return(var('dimensions') | rejectattr('crosses', 'defined') | map(attribute='name') | list) }}
{% endmacro %}


{# The member of a metric's observation in a dimension. `columns` are those of its KPI. #}
{% macro member_of(metric, dimension, columns) -%}
    {%- if dimension.crosses is not defined -%} {{ or_null(dimension.name, 'string', columns) }}
    {%- else -%}
        {%- set planned = plan().metrics | selectattr('metric', 'equalto', metric) | list -%}
        {%- set crossed = planned[0].cross if planned else [] -%}
        {{ dimension.member if dimension.name in crossed else 'cast(null as string)' }} as {{ dimension.name }}
    {%- endif -%}
{%- endmacro %}


{# Dimensions in families, which are summed together first. A rep has one team, and a team one region. So the sums by
   rep are few, and the sums by team, region, unit and company are made from them. A dimension joins the family that
   ends in the nearest dimension around it; without such a family it begins one. #}
{% macro families(dimensions) %}
    {% set made = [] %}
    {% for dimension in var('dimensions') if dimension.name in dimensions %}
        {% set nearest = (dimension.around | select('in', dimensions) | list + [none])[0] %}
        {% set joined = [] %}
        {% for family in made if family[-1] == nearest %} {% do joined.append(family) %} {% endfor %}
        {% if joined %} {% do joined[0].append(dimension.name) %}
        {% else %} {% do made.append([dimension.name]) %}
        {% endif %}
    {% endfor %}
    {{ return(made) }}
{% endmacro %}


{% macro dimensions_of(fact) %} {{ return(dimensions_among(fact_columns(fact))) }} {% endmacro %}


{# The dimensions among some columns. Company and business unit are always among them. #}
{% macro dimensions_among(columns) %}
    {% set dimensions = ['company', 'business_unit'] %}
    {% for dimension in own_dimensions() if dimension in columns and dimension not in dimensions %}
        {% do dimensions.append(dimension) %}
    {% endfor %}
    {{ return(dimensions) }}
{% endmacro %}


{# The grains of a dimension's figures. Only the company and its units have figures by day: those of other members
   would be most of the rows, and a single day of a rep says little. #}
{% macro grains_of(dimension) %}
    {{ return(['day'] * (dimension in ['company', 'business_unit']) + ['week', 'month', 'quarter', 'year']) }}
{% endmacro %}
