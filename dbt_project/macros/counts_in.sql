{# The rule by which an observation counts in a period. The roll-up, the close and the trace share it. The macro uses
   nothing of dbt, so that the engine can render it, too.

   kind     flow, stock or period (the rows have their own period)
   row      alias of observations, with occurred_on. A stock also has ended_on. Rows with their own period have grain,
            period_start and period_until, which is null where the row has no end.
   period   alias of periods, with grain, period_start, period_end and observed_until, the day after the last known one
#}
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
