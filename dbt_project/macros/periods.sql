{# A day moved by whole periods of a grain; months keep to the last day of a shorter month. #}
{% macro move(grain, day, steps) -%}
    case {{ grain }}
        when 'day' then {{ day }} + interval ({{ steps }}) day
        when 'week' then {{ day }} + interval ({{ 7 * steps }}) day
        when 'month' then {{ day }} + interval ({{ steps }}) month
        when 'quarter' then {{ day }} + interval ({{ 3 * steps }}) month
        when 'year' then {{ day }} + interval ({{ 12 * steps }}) month
    end
{%- endmacro %}
