{# The dimensions that a fact can be cut by: those of its columns that are members, and the whole company. They are
   declared in dbt_project/dimensions/. #}
{% macro all_dimensions() %}
    {{ return(var('dimensions') | map(attribute='name') | list) }}
{% endmacro %}


{# Dimensions that are summed together first: a rep has one team, a team one region, so the sums by rep are few and make
   those of team, region, unit and company. A dimension joins the family that ends in the nearest dimension around it; any
   other has a sum of its own. #}
{% macro families(dimensions) %}
    {% set made = [] %}
    {% for dimension in var('dimensions') if dimension.name in dimensions %}
        {% set nearest = (dimension.around | select('in', dimensions) | list + [none])[0] %}
        {% set joined = [] %}
        {% for family in made if family[-1] == nearest %}{% do joined.append(family) %}{% endfor %}
        {% if joined %}{% do joined[0].append(dimension.name) %}{% else %}{% do made.append([dimension.name]) %}{% endif %}
    {% endfor %}
    {{ return(made) }}
{% endmacro %}


{% macro dimensions_of(fact) %}
    {{ return(dimensions_among(fact_columns(fact))) }}
{% endmacro %}


{# The dimensions among some columns; all observations can be cut by company and business unit. #}
{% macro dimensions_among(columns) %}
    {% set dimensions = ['company', 'business_unit'] %}
    {% for dimension in all_dimensions() if dimension in columns and dimension not in dimensions %}
        {% do dimensions.append(dimension) %}
    {% endfor %}
    {{ return(dimensions) }}
{% endmacro %}


{# Days are kept for the whole company and its units only: a rep's single day says nothing and is most of the rows. #}
{% macro grains_of(dimension) %}
    {{ return(['day'] * (dimension in ['company', 'business_unit']) + ['week', 'month', 'quarter', 'year']) }}
{% endmacro %}
