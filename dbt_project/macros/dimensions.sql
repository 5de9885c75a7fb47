{# The dimensions that a fact can be cut by: those of its columns that are members, and the whole company. #}
{% macro all_dimensions() %}
    {{ return(['company', 'business_unit', 'region', 'team', 'rep', 'product', 'segment', 'country', 'movement']) }}
{% endmacro %}


{% macro dimensions_of(fact) %}
    {% set columns = fact_columns(fact) %}
    {% set found = [] %}
    {% for dimension in all_dimensions() if dimension in columns %}
        {% do found.append(dimension) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{# Days are kept for the whole company and its units only: a rep's single day says nothing and is most of the rows. #}
{% macro grains_of(dimension) %}
    {{ return(['day'] * (dimension in ['company', 'business_unit']) + ['week', 'month', 'quarter', 'year']) }}
{% endmacro %}


{# The members of a fact's rows, as columns. A fact with a column `company` says by it whether a row counts in the totals of
   the company and its unit; where it is null, the row counts for its other members only. #}
{% macro members(columns, dimensions) -%}
    {% for dimension in dimensions -%}
    {% if dimension == 'company' %}{{ 'fact.company' if 'company' in columns else "'all'" }}
    {%- elif dimension == 'business_unit' and 'company' in columns %}case when fact.company is not null then fact.business_unit end
    {%- elif dimension in columns %}fact.{{ dimension }}
    {%- else %}null
    {%- endif %}::varchar as {{ dimension }}
    {%- if not loop.last %},
    {% endif %}
    {%- endfor %}
{%- endmacro %}
