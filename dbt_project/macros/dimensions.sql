{# The dimensions that there are figures by. They are declared in dbt_project/dimensions/; the last ones are pairs of two
   of them, which a metric declares by `cross`. #}
{% macro all_dimensions() %} {{ return(var('dimensions') | map(attribute='name') | list) }} {% endmacro %}


{# The dimensions that a fact can be cut by, as a column of its name. #}
{% macro own_dimensions() %}
    {{ return(var('dimensions') | rejectattr('crosses', 'defined') | map(attribute='name') | list) }}
{% endmacro %}


{# The member of a metric's observation in a dimension; columns are those of its KPI. #}
{% macro member_of(metric, dimension, columns) -%}
    {%- if dimension.crosses is not defined -%} {{ or_null(dimension.name, 'string', columns) }}
    {%- else -%}
        {%- set planned = plan().metrics | selectattr('metric', 'equalto', metric) | list -%}
        {%- set crossed = planned[0].cross if planned else [] -%}
        {{ dimension.member if dimension.name in crossed else 'cast(null as string)' }} as {{ dimension.name }}
    {%- endif -%}
{%- endmacro %}


{# Dimensions that are summed together first: a rep has one team, a team one region, so the sums by rep are few and make
   those of team, region, unit and company. A dimension joins the family that ends in the nearest dimension around it; any
   other has a sum of its own. #}
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


{# The dimensions among some columns; all observations can be cut by company and business unit. #}
{% macro dimensions_among(columns) %}
    {% set dimensions = ['company', 'business_unit'] %}
    {% for dimension in own_dimensions() if dimension in columns and dimension not in dimensions %}
        {% do dimensions.append(dimension) %}
    {% endfor %}
    {{ return(dimensions) }}
{% endmacro %}


{# Days are kept for the whole company and its units only: a rep's single day says nothing and is most of the rows. #}
{% macro grains_of(dimension) %}
    {{ return(['day'] * (dimension in ['company', 'business_unit']) + ['week', 'month', 'quarter', 'year']) }}
{% endmacro %}
