{# Money and rates are never binary floating point, and DuckDB divides decimals as doubles; so divide whole numbers.
   Both sides count to 8 decimals; so does the quotient, rounded half away from zero; null where the denominator is 0. #}
{% macro exact_ratio(numerator, denominator) -%}
    case when {{ denominator }} <> 0 then (
        (sign({{ numerator }}) * sign({{ denominator }}))::hugeint * (
            ({{ in_units(numerator) }} * 200000000 + {{ in_units(denominator) }}) // (2 * {{ in_units(denominator) }})
        )
    )::decimal(38, 0) * 0.00000001::decimal(9, 8) end
{%- endmacro %}


{% macro in_units(amount) -%}
    (abs(({{ amount }})::decimal(38, 8)) * 100000000)::hugeint
{%- endmacro %}
