{# Which observation counts in which period: the one rule, for the roll-up, the close and the trace. It is plain text without
   dbt, so that the engine renders it too.

   kind     flow, stock or period (its rows have their period)
   row      alias of observations: occurred_on; ended_on of a stock; grain, period_start and period_until (null: it goes on) of
            rows that have their period
   period   alias of periods: grain, period_start, period_end, and observed_until, the day after the last that is known #}
{% macro counts_in(kind, row, period) -%}
    {%- if kind == 'flow' -%}
        {{ row }}.occurred_on >= {{ period }}.period_start and {{ row }}.occurred_on < {{ period }}.period_end
    {%- elif kind == 'stock' -%}
        {{ row }}.occurred_on < {{ period }}.observed_until
        and ({{ row }}.ended_on is null or {{ row }}.ended_on >= {{ period }}.observed_until)
    {%- else -%}
        {{ row }}.grain = {{ period }}.grain
        and {{ row }}.period_start <= {{ period }}.period_start
        and ({{ row }}.period_until is null or {{ row }}.period_until > {{ period }}.period_start)
    {%- endif -%}
{%- endmacro %}
