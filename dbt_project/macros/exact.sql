{# Money and rates are never binary floating point, and every number fits 38 digits, so that other engines can hold it:

   amount of a record           decimal(24,8)   the extraction allows up to 10^15
   rate of a currency           decimal(14,8)
   amount × rate, observation   decimal(30,8)
   sums, values                 decimal(38,8)

   A number that does not fit its type is null. The values that need it are n/a, and the build goes on. #}
{# A share of an amount, to 8 decimals, rounded half away from zero. Whole units and their fraction are multiplied
   separately: together they would have more than 38 digits. #}
{% macro exact_product(share, amount) -%}
    (
        try_cast({{ share }} as decimal(14, 8))
        * try_cast({{ whole_part('(' ~ amount ~ ')::decimal(38, 8)') }} as decimal(24, 0))
        + (try_cast({{ share }} as decimal(14, 8)) * (({{ amount }})::decimal(38, 8) % 1)::decimal(19, 8))::decimal(
            24, 8
        )
    )
{%- endmacro %}


{# An amount × part / whole, to 8 decimals: 119 × 100 / 119 is 100. Part and whole are whole numbers or percentages. An
   amount of more than 12 digits before the point is multiplied by the quotient, which itself has 8 decimals. #}
{% macro exact_part(amount, part, whole) -%}
    coalesce(
        {{ exact_ratio(
            '(try_cast(' ~ amount ~ ' as decimal(20, 8)) * try_cast(' ~ part ~ ' as decimal(18, 2)))', '(' ~ whole ~ ')'
        ) }},
        {{ exact_product(exact_ratio('(' ~ part ~ ')', '(' ~ whole ~ ')'), amount) }}
    )
{%- endmacro %}
