{# What DuckDB and Spark write differently. Models and other macros call these, and each engine has its own SQL for
   them in a file beside this one. All other SQL of the project gives the same result in both. #}
{# The type of a contract's column, as the engine names it. `moment` is a point in time, and `strings` is a list of
   texts. #}
{% macro type_of(data_type) -%} {{ return(adapter.dispatch('type_of')(data_type)) }} {%- endmacro %}


{# The company's day on which a moment falls. #}
{% macro local_day(moment) -%} {{ return(adapter.dispatch('local_day')(moment)) }} {%- endmacro %}


{# The moment of a local time of the company. #}
{% macro moment_of(wall_clock) -%} {{ return(adapter.dispatch('moment_of')(wall_clock)) }} {%- endmacro %}


{# The moment at which a local day begins. #}
{% macro start_of_day(day) -%} {{ return(adapter.dispatch('start_of_day')(day)) }} {%- endmacro %}


{# The moment some seconds after the start of 1970 (UTC). #}
{% macro moment_of_seconds(seconds) -%} {{ return(adapter.dispatch('moment_of_seconds')(seconds)) }} {%- endmacro %}


{# A day some days later. #}
{% macro add_days(day, days) -%} {{ return(adapter.dispatch('add_days')(day, days)) }} {%- endmacro %}


{# A day some months later. In a shorter month it is the last day. #}
{% macro add_months(day, months) -%} {{ return(adapter.dispatch('add_months')(day, months)) }} {%- endmacro %}


{# How many days a day is after another. #}
{% macro days_between(first_day, later_day) -%}
    {{ return(adapter.dispatch('days_between')(first_day, later_day)) }}
{%- endmacro %}


{# The first day of the `week`, `month`, `quarter` or `year` of the calendar that a day is in. #}
{% macro first_day_of(part, day) -%} {{ return(adapter.dispatch('first_day_of')(part, day)) }} {%- endmacro %}


{# The ISO week of a day: 2026-W01. #}
{% macro iso_week(day) -%} {{ return(adapter.dispatch('iso_week')(day)) }} {%- endmacro %}


{# Rows of one column, to join laterally: the days from the first to the one before the end day. #}
{% macro days_from(first_day, end_day) -%}
    {{ return(adapter.dispatch('days_from')(first_day, end_day)) }}
{%- endmacro %}


{# The quotient, to 8 decimals, rounded half away from zero; null where the denominator is 0 or a side isn't known. #}
{% macro exact_ratio(numerator, denominator) -%}
    {{ return(adapter.dispatch('exact_ratio')(numerator, denominator)) }}
{%- endmacro %}


{# The whole part of a decimal, without its fraction; the sign stays. #}
{% macro whole_part(number) -%} {{ return(adapter.dispatch('whole_part')(number)) }} {%- endmacro %}


{# The whole quotient of a number that is not negative. #}
{% macro whole_quotient(number, divisor) -%}
    {{ return(adapter.dispatch('whole_quotient')(number, divisor)) }}
{%- endmacro %}


{# An aggregate: the column's value in the row whose sort keys are the greatest. A list of keys is compared in order. #}
{% macro value_at_max(column, keys) -%} {{ return(adapter.dispatch('value_at_max')(column, keys)) }} {%- endmacro %}


{# A window function, without its OVER: the last value in the frame that is not null. #}
{% macro last_known(column) -%} {{ return(adapter.dispatch('last_known')(column)) }} {%- endmacro %}


{# Several columns as one value, with fields of their names. #}
{% macro struct_of(columns) -%} {{ return(adapter.dispatch('struct_of')(columns)) }} {%- endmacro %}


{# Texts as one list. #}
{% macro text_list(texts) -%} {{ return(adapter.dispatch('text_list')(texts)) }} {%- endmacro %}


{# An aggregate: the distinct texts, sorted and joined by a separator. #}
{% macro joined_texts(texts, separator) -%}
    {{ return(adapter.dispatch('joined_texts')(texts, separator)) }}
{%- endmacro %}


{# Ends the query with an error message. #}
{% macro failure(message) -%} {{ return(adapter.dispatch('failure')(message)) }} {%- endmacro %}


{# How many entries a list in JSON has. #}
{% macro json_length(entries) -%} {{ return(adapter.dispatch('json_length')(entries)) }} {%- endmacro %}


{# Whether a JSON list of texts contains a text. #}
{% macro json_has(entries, text) -%} {{ return(adapter.dispatch('json_has')(entries, text)) }} {%- endmacro %}


{# The text field of the first object in a JSON list whose flag is set. #}
{% macro json_text_where(entries, field, flag) -%}
    {{ return(adapter.dispatch('json_text_where')(entries, field, flag)) }}
{%- endmacro %}


{# The sum of a field over the entries of a JSON list that meet a condition, to 8 decimals. It is 0 where no entry
   meets it, and null where there is no list or such an entry has no number. #}
{% macro json_sum(entries, field, condition='true') -%}
    {{ return(adapter.dispatch('json_sum')(entries, field, condition)) }}
{%- endmacro %}


{# A relation: the record that each merged record has become, after all its mergers: (_source_system, merged_id,
   into_id). `merger` is a relation of the same columns, a row per merger. #}
{% macro followed_mergers(merger) -%} {{ return(adapter.dispatch('followed_mergers')(merger)) }} {%- endmacro %}


{# An aggregate over a row per amount: `reached`, the amount at which the curve comes to a half, and `below`, the
   amount at which it goes below; null where it doesn't. The curve has 24 decimals, and each of its steps rounds by one
   unit of the 24th at most. So it counts as a half if it is within 10^-18 of it. An exact curve would be a fraction of
   products of counts, with a factor for each stretch between waits that go on. Some twenty factors have more than the
   38 digits that engines compute with. So a curve that is nearer to a half than 10^-18, but not on it, is taken for a
   half. #}
{% macro half_of_curve(amount, events, at_risk) -%}
    {{ return(adapter.dispatch('half_of_curve')(amount, events, at_risk)) }}
{%- endmacro %}


{# An aggregate: the known values of a column, as a sorted list. #}
{% macro sorted_list(column) -%} {{ return(adapter.dispatch('sorted_list')(column)) }} {%- endmacro %}


{# How many values a list has. #}
{% macro length_of(values) -%} {{ return(adapter.dispatch('length_of')(values)) }} {%- endmacro %}


{# The value at a place in a list, from 1. #}
{% macro value_at(values, place) -%} {{ return(adapter.dispatch('value_at')(values, place)) }} {%- endmacro %}
