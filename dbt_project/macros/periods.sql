{# A day moved by whole periods of a grain. In a shorter month it is the last day. #}
{% macro move(grain, day, steps) -%}
    case
        {{ grain }}
        when 'day'
        then {{ add_days(day, steps) }}
        when 'week'
        then {{ add_days(day, 7 * steps) }}
        when 'month'
        then {{ add_months(day, steps) }}
        when 'quarter'
        then {{ add_months(day, 3 * steps) }}
        when 'year'
        then {{ add_months(day, 12 * steps) }}
    end
{%- endmacro %}
