{# Money and rates are never binary floating point, and every number fits 38 digits, so that other engines can hold it:

   amount of a record           decimal(24,8)   up to 10^15 by the extraction
   rate of a currency           decimal(14,8)
   amount × rate, observation   decimal(30,8)
   sums, values                 decimal(38,8)

   A number that its type can't hold is null: its values are n/a, and no build stops. #}


{# The quotient, to 8 decimals, rounded half away from zero; null where the denominator is 0 or a side isn't known. #}
{% macro exact_ratio(numerator, denominator) -%}
    {{ return(adapter.dispatch('exact_ratio')(numerator, denominator)) }}
{%- endmacro %}


{# DuckDB divides decimals as doubles, so divide whole numbers, as by hand: the whole part, then four digits of what
   remains, then four more. At once, numerators from 10^14 would have more digits than any whole number holds. #}
{% macro default__exact_ratio(numerator, denominator) -%}
    {%- set n, d = in_units(numerator), in_units(denominator) -%}
    {%- set rest = '(' ~ n ~ ' % ' ~ d ~ ' * 10000 % ' ~ d ~ ' * 10000)' -%}
    case when {{ denominator }} <> 0 then (sign({{ numerator }}) * sign({{ denominator }}))::int * (
        try_cast({{ n }} // {{ d }} as decimal(29, 0))
        + ({{ n }} % {{ d }} * 10000 // {{ d }} * 10000 + ({{ rest }} * 2 + {{ d }}) // (2 * {{ d }}))::decimal(9, 0)
            * 0.00000001::decimal(9, 8)
    )::decimal(38, 8) end
{%- endmacro %}


{# How many times 10^-8 an amount is, without its sign. #}
{% macro in_units(amount) -%}
    (floor(abs(({{ amount }})::decimal(38, 8)))::hugeint * 100000000
    + (abs(({{ amount }})::decimal(38, 8)) % 1 * 100000000)::hugeint)
{%- endmacro %}


{# A share of an amount, to 8 decimals, rounded half away from zero. Whole units and their fraction are multiplied apart:
   together they would have more than 38 digits. #}
{% macro exact_product(share, amount) -%}
    (
        try_cast({{ share }} as decimal(14, 8)) * try_cast(trunc(({{ amount }})::decimal(38, 8)) as decimal(24, 0))
        + (try_cast({{ share }} as decimal(14, 8)) * (({{ amount }})::decimal(38, 8) % 1)::decimal(19, 8))::decimal(24, 8)
    )
{%- endmacro %}


{# An amount × part / whole, to 8 decimals: 119 × 100 / 119 is 100. Part and whole are whole numbers or percentages. An
   amount of more than 12 digits before the point is multiplied by the quotient, which has 8 decimals itself. #}
{% macro exact_part(amount, part, whole) -%}
    coalesce(
        {{ exact_ratio(
            '(try_cast(' ~ amount ~ ' as decimal(20, 8)) * try_cast(' ~ part ~ ' as decimal(18, 2)))', '(' ~ whole ~ ')'
        ) }},
        {{ exact_product(exact_ratio('(' ~ part ~ ')', '(' ~ whole ~ ')'), amount) }}
    )
{%- endmacro %}
