{# What DuckDB and Spark write differently. Models and other macros call these; each engine has its own SQL for them in
   the file beside this one. Everything else in the project is SQL that both run with the same result. #}
{# The type of a contract's column, as the engine names it. `moment` is a point in time, `strings` a list of texts. #}
{% macro type_of(data_type) -%} {{ return(adapter.dispatch('type_of')(data_type)) }} {%- endmacro %}


{# The company's day on which a moment falls. #}
{% macro local_day(moment) -%} {{ return(adapter.dispatch('local_day')(moment)) }} {%- endmacro %}


{# The moment that a clock on the company's wall tells. #}
{% macro moment_of(wall_clock) -%} {{ return(adapter.dispatch('moment_of')(wall_clock)) }} {%- endmacro %}


{# The moment at which a local day begins. #}
{% macro start_of_day(day) -%} {{ return(adapter.dispatch('start_of_day')(day)) }} {%- endmacro %}


{# The moment so many seconds after 1970 began. #}
{% macro moment_of_seconds(seconds) -%} {{ return(adapter.dispatch('moment_of_seconds')(seconds)) }} {%- endmacro %}


{# A day some days later. #}
{% macro add_days(day, days) -%} {{ return(adapter.dispatch('add_days')(day, days)) }} {%- endmacro %}


{# A day some months later; of a shorter month the last day. #}
{% macro add_months(day, months) -%} {{ return(adapter.dispatch('add_months')(day, months)) }} {%- endmacro %}


{# How many days a day is after another. #}
{% macro days_between(first_day, later_day) -%}
    {{ return(adapter.dispatch('days_between')(first_day, later_day)) }}
{%- endmacro %}


{# The first day of the `week`, `month`, `quarter` or `year` of the calendar that a day is in. #}
{% macro first_day_of(part, day) -%} {{ return(adapter.dispatch('first_day_of')(part, day)) }} {%- endmacro %}


{# The ISO week of a day: 2026-W01. #}
{% macro iso_week(day) -%} {{ return(adapter.dispatch('iso_week')(day)) }} {%- endmacro %}


{# Rows of one column, to join laterally: the days from the first up to and without the last. #}
{% macro days_from(first_day, end_day) -%}
    {{ return(adapter.dispatch('days_from')(first_day, end_day)) }}
{%- endmacro %}


{# The quotient, to 8 decimals, rounded half away from zero; null where the denominator is 0 or a side isn't known. #}
{% macro exact_ratio(numerator, denominator) -%}
    {{ return(adapter.dispatch('exact_ratio')(numerator, denominator)) }}
{%- endmacro %}


{# The whole part of a decimal, without its fraction; the sign stays. #}
{% macro whole_part(number) -%} {{ return(adapter.dispatch('whole_part')(number)) }} {%- endmacro %}


{# How many times a whole number goes into another that is not negative. #}
{% macro whole_quotient(number, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient')(number, divisor)) }}
{%- endmacro %}


{# An aggregate: the column's value in the row whose sort keys are the greatest. A list of keys is compared in order. #}
{% macro value_at_max(column, keys) -%} {{ return(adapter.dispatch('value_at_max')(column, keys)) }} {%- endmacro %}


{# A window function, without its OVER: the last value in the frame that is not null. #}
{% macro last_known(column) -%} {{ return(adapter.dispatch('last_known')(column)) }} {%- endmacro %}


{# Several columns as one value with fields of their names. #}
{% macro struct_of(columns) -%} {{ return(adapter.dispatch('struct_of')(columns)) }} {%- endmacro %}


{# Texts as one list. #}
{% macro text_list(texts) -%} {{ return(adapter.dispatch('text_list')(texts)) }} {%- endmacro %}


{# An aggregate: the texts that differ, in their order, joined by another one. #}
{% macro joined_texts(texts, separator) -%}
    {{ return(adapter.dispatch('joined_texts')(texts, separator)) }}
{%- endmacro %}


{# Ends the query with an error that says a text. #}
{% macro failure(message) -%} {{ return(adapter.dispatch('failure')(message)) }} {%- endmacro %}


{# How many entries a list in JSON has. #}
{% macro json_length(entries) -%} {{ return(adapter.dispatch('json_length')(entries)) }} {%- endmacro %}


{# Whether a JSON list of texts has one. #}
{% macro json_has(entries, text) -%} {{ return(adapter.dispatch('json_has')(entries, text)) }} {%- endmacro %}


{# Of a JSON list of objects, the text field of the first one whose flag is set. #}
{% macro json_text_where(entries, field, flag) -%}
    {{ return(adapter.dispatch('json_text_where')(entries, field, flag)) }}
{%- endmacro %}


{# The sum of a field over the entries of a JSON list that meet a condition, to 8 decimals: 0 where none of them does;
   null where there is no list, or such an entry has no number there. #}
{% macro json_sum(entries, field, condition='true') -%}
    {{ return(adapter.dispatch('json_sum')(entries, field, condition)) }}
{%- endmacro %}


{# A relation: what each merged record has become in the end, however many mergers that took:
   (_source_system, merged_id, into_id). `merger` is a relation of the same columns, a row per merger. #}
{% macro followed_mergers(merger) -%} {{ return(adapter.dispatch('followed_mergers')(merger)) }} {%- endmacro %}


{# An aggregate over a row per amount: the amount at which the curve comes to a half, `reached`, and the one at which it
   goes below, `below`; null where it doesn't. The curve has 24 decimals, and is on the half if it is within the 18th: each of
   its steps rounds by one of the 24th at most. An exact one is a fraction of products of counts, a factor for every
   stretch between waits that go on. Some twenty of them have more than the 38 digits that engines compute with, so one
   that comes nearer to a half than 10^-18 without being on it is taken for one that is. #}
{% macro half_of_curve(amount, events, at_risk) -%}
    {{ return(adapter.dispatch('half_of_curve')(amount, events, at_risk)) }}
{%- endmacro %}


{# An aggregate: the values of a column that are known, as a list in their order. #}
{% macro sorted_list(column) -%} {{ return(adapter.dispatch('sorted_list')(column)) }} {%- endmacro %}


{# How many values a list has. #}
{% macro length_of(values) -%} {{ return(adapter.dispatch('length_of')(values)) }} {%- endmacro %}


{# The value at a place in a list, from 1. #}
{% macro value_at(values, place) -%} {{ return(adapter.dispatch('value_at')(values, place)) }} {%- endmacro %}
