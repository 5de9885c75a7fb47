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


{# A day some days later. #}
{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days')(day, days)) }}
{%- endmacro %}

{% macro default__add_days(day, days) -%}
    ({{ day }} + cast({{ days }} as int))
{%- endmacro %}


{# A day some months later; of a shorter month the last day. #}
{% macro add_months(day, months) -%}
    {{ return(adapter.dispatch('add_months')(day, months)) }}
{%- endmacro %}

{% macro default__add_months(day, months) -%}
    ({{ day }} + interval ({{ months }}) month)
{%- endmacro %}
