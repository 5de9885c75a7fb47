{# DuckDB's SQL for the macros of portable.sql. #}


{% macro duckdb__type_of(data_type) -%}
    {{ {'moment': 'timestamptz', 'string': 'varchar', 'strings': 'varchar[]'}.get(data_type, data_type) }}
{%- endmacro %}


{% macro duckdb__local_day(moment) -%}
    ({{ moment }} at time zone '{{ var("timezone") }}')::date
{%- endmacro %}


{% macro duckdb__moment_of(wall_clock) -%}
    {{ wall_clock }} at time zone '{{ var("timezone") }}'
{%- endmacro %}


{% macro duckdb__start_of_day(day) -%}
    ({{ day }})::timestamp at time zone '{{ var("timezone") }}'
{%- endmacro %}


{% macro duckdb__moment_of_seconds(seconds) -%}
    to_timestamp({{ seconds }})
{%- endmacro %}


{% macro duckdb__add_days(day, days) -%}
    ({{ day }} + cast({{ days }} as int))
{%- endmacro %}


{% macro duckdb__add_months(day, months) -%}
    ({{ day }} + interval ({{ months }}) month)::date
{%- endmacro %}


{% macro duckdb__days_between(first_day, later_day) -%}
    date_diff('day', {{ first_day }}, {{ later_day }})
{%- endmacro %}


{% macro duckdb__first_day_of(part, day) -%}
    date_trunc('{{ part }}', {{ day }})::date
{%- endmacro %}


{% macro duckdb__iso_week(day) -%}
    strftime({{ day }}, '%G-W%V')
{%- endmacro %}


{% macro duckdb__days_from(first_day, end_day) -%}
    unnest(generate_series({{ first_day }}::timestamp, {{ end_day }} - interval 1 day, interval 1 day)::date[])
{%- endmacro %}


{# DuckDB divides decimals as doubles. So whole numbers are divided as by hand: the whole part, then four digits of the
   remainder, then four more. In one step, numerators from 10^14 on would have more digits than any whole number holds. #}
{% macro duckdb__exact_ratio(numerator, denominator) -%}
    {%- set n, d = _in_units(numerator), _in_units(denominator) -%}
    {%- set rest = '(' ~ n ~ ' % ' ~ d ~ ' * 10000 % ' ~ d ~ ' * 10000)' -%}
    case when {{ denominator }} <> 0 then (sign({{ numerator }}) * sign({{ denominator }}))::int * (
        try_cast({{ n }} // {{ d }} as decimal(29, 0))
        + ({{ n }} % {{ d }} * 10000 // {{ d }} * 10000 + ({{ rest }} * 2 + {{ d }}) // (2 * {{ d }}))::decimal(9, 0)
            * 0.00000001::decimal(9, 8)
    )::decimal(38, 8) end
{%- endmacro %}


{# The absolute amount in units of 10^-8. #}
{% macro _in_units(amount) -%}
    (floor(abs(({{ amount }})::decimal(38, 8)))::hugeint * 100000000
    + (abs(({{ amount }})::decimal(38, 8)) % 1 * 100000000)::hugeint)
{%- endmacro %}


{% macro duckdb__whole_part(number) -%}
    trunc({{ number }})
{%- endmacro %}


{% macro duckdb__whole_quotient(number, divisor) -%}
    ({{ number }}) // ({{ divisor }})
{%- endmacro %}


{% macro duckdb__value_at_max(column, keys) -%}
    arg_max({{ column }}, ({{ keys | join(', ') }}))
{%- endmacro %}


{% macro duckdb__last_known(column) -%}
    last_value({{ column }} ignore nulls)
{%- endmacro %}


{% macro duckdb__struct_of(columns) -%}
    {
        {%- for column in columns %}'{{ column }}': {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    }
{%- endmacro %}


{% macro duckdb__text_list(texts) -%}
    [{% for value in texts %}{{ text_literal(value) }}{{ ', ' if not loop.last }}{% endfor %}]::varchar[]
{%- endmacro %}


{% macro duckdb__joined_texts(texts, separator) -%}
    string_agg(distinct {{ texts }}, '{{ separator }}' order by {{ texts }} nulls last)
{%- endmacro %}


{% macro duckdb__failure(message) -%}
    error({{ message }})
{%- endmacro %}


{% macro duckdb__json_length(entries) -%}
    json_array_length({{ entries }})
{%- endmacro %}


{% macro duckdb__json_has(entries, text) -%}
    list_contains(from_json({{ entries }}, '["varchar"]'), '{{ text }}')
{%- endmacro %}


{% macro duckdb__json_text_where(entries, field, flag) -%}
    list_filter(
        from_json({{ entries }}, '[{"{{ field }}": "varchar", "{{ flag }}": "boolean"}]'), lambda entry: entry."{{ flag }}"
    )[1].{{ field }}
{%- endmacro %}


{% macro duckdb__json_sum(entries, field, condition) -%}
    {%- set shape = '[{"' ~ field ~ '": "VARCHAR", "tax_behavior": "VARCHAR", "inclusive": "BOOLEAN"}]' -%}
    {%- set numbers -%}
        [
            try_cast(entry.{{ field }} as decimal(28, 8))
            for entry in from_json({{ entries }}, '{{ shape }}') if {{ condition }}
        ]
    {%- endset -%}
    case when list_count({{ numbers }}) = len({{ numbers }}) then coalesce(list_sum({{ numbers }}), 0) end
{%- endmacro %}


{% macro duckdb__followed_mergers(merger) -%}
    (
        with recursive merger as (select * from {{ merger }}),

        followed as (
            select _source_system, merged_id, into_id from merger
            union
            select followed._source_system, followed.merged_id, merger.into_id
            from followed
            inner join merger on followed.into_id = merger.merged_id and followed._source_system = merger._source_system
        )

        select followed._source_system, followed.merged_id, followed.into_id
        from followed
        anti join merger on followed.into_id = merger.merged_id and followed._source_system = merger._source_system
    )
{%- endmacro %}


{% macro duckdb__half_of_curve(amount, events, at_risk) -%}
    {%- set height = 'so_far.height * (step.at_risk - step.events) // step.at_risk' -%}
    list_reduce(
        list({
            'height': 0::hugeint, 'at_risk': {{ at_risk }}::hugeint, 'events': {{ events }}::hugeint,
            'amount': {{ amount }}, 'reached': null::decimal(30, 8), 'below': null::decimal(30, 8)
        } order by {{ amount }}) filter (where {{ events }} > 0),
        lambda so_far, step: {
            'height': {{ height }}, 'at_risk': step.at_risk, 'events': step.events, 'amount': step.amount,
            'reached': coalesce(
                so_far.reached, case when {{ height }} <= 500000000000000001000000::hugeint then step.amount end
            ),
            'below': coalesce(
                so_far.below, case when {{ height }} < 499999999999999999000000::hugeint then step.amount end
            )
        },
        {
            'height': 1000000000000000000000000::hugeint, 'at_risk': 1::hugeint, 'events': 0::hugeint,
            'amount': 0::decimal(30, 8), 'reached': null::decimal(30, 8), 'below': null::decimal(30, 8)
        }
    )
{%- endmacro %}


{% macro duckdb__sorted_list(column) -%}
    list_sort(list({{ column }}) filter (where {{ column }} is not null))
{%- endmacro %}


{% macro duckdb__length_of(values) -%}
    len({{ values }})
{%- endmacro %}


{% macro duckdb__value_at(values, place) -%}
    {{ values }}[{{ place }}]
{%- endmacro %}
