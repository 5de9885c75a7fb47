{# The observations of a metric: one row per record of a fact that counts, in the shape that every metric shares.

   fact          the core model whose rows are counted
   on            the local day that puts a row in a period (a column or expression)
   numerator     what the row adds; null where the source doesn't say, which makes the value n/a
   denominator   what it is measured against; 1 where the row itself is the measure
   where         which rows count
   at            the exact moment, where the fact has one; else the day's beginning
   until         for a stock: the day from which the row no longer counts
   settles       the day on which it is settled whether the row counts in full; null where it is. Until then the numerator
                 is what is sure so far, and may still become the denominator
   per           what tells the rows of one record apart, where a record has several
   evidence      a fact with the same account_key whose records stand behind a row that is about an account

   `{name}` in any of them stands for the metric's parameter of that name.

   `kpi_totals` reads the same arguments (as the model's meta) and computes all metrics that share fact, day and end
   in one pass over the fact; a test holds its values to these observations. #}
{% macro observations(fact, on, numerator, denominator='1', where='true', at=none, until=none, evidence=none, per=none, settles='null') %}
{% do config(meta={'pass': {
    'fact': fact, 'on': on, 'numerator': numerator, 'denominator': denominator, 'where': where, 'until': until,
    'settles': settles
}}) %}
{% set columns = fact_columns(fact) %}
{% set parameters = model_parameters(model_name()) %}
{% set on = with_parameters(on, parameters) %}
{% set until = with_parameters(until, parameters) %}
{% set where = with_parameters(where, parameters) %}
{% set numerator = with_parameters(numerator, parameters) %}
{% set denominator = with_parameters(denominator, parameters) %}
select
    '{{ model_name() | replace("kpi_", "") }}' as metric,
    concat_ws('|', fact.source_system, fact.source_object, fact.record_id
        {%- if 'grain' in columns %}, fact.grain, fact.period_start{% endif %}
        {%- if 'product' in columns and 'grain' in columns %}, fact.product{% endif %}
        {%- if per %}, {{ per }}{% endif %}) as observation_id,
    fact.source_system,
    fact.source_object,
    fact.record_id,
    fact.source_file,
    fact.source_line,
    fact.source_sha256,
    {{ evidence_of(evidence) }} as evidence,
    {{ at if at else start_of_day(on) }} as occurred_at,
    ({{ on }})::date as occurred_on,
    {{ '(' ~ until ~ ')' if until else 'null' }}::date as ended_on,
    {{ 'fact.grain' if 'grain' in columns else 'null' }}::varchar as grain,
    fact.business_unit::varchar as scope,
    {{ members(columns, all_dimensions()) }},
    try_cast(({{ numerator }}) as decimal(30, 8)) as numerator,
    try_cast(({{ denominator }}) as decimal(30, 8)) as denominator,
    ({{ settles }})::date as settles_on
from {{ ref(fact) }} as fact
where ({{ where }}) and {{ on }} is not null
    {%- if until %} and ({{ until }} is null or {{ until }} > {{ on }}){% endif %}
{% endmacro %}


{% macro evidence_of(evidence) -%}
    {%- if evidence -%}
    (
        select list(record.source_object || ' ' || record.record_id || ' ' || record.source_file || ':' || record.source_line
            order by record.source_line)
        from {{ ref(evidence) }} as record
        where record.account_key = fact.account_key
    )
    {%- else -%}
    null::varchar[]
    {%- endif -%}
{%- endmacro %}


{% macro with_parameters(sql, parameters) %}
    {% set ns = namespace(sql=sql) %}
    {% if sql %}
    {% for name, value in parameters.items() %}{% set ns.sql = ns.sql | replace('{' ~ name ~ '}', value | string) %}{% endfor %}
    {% endif %}
    {{ return(ns.sql) }}
{% endmacro %}
