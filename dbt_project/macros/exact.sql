{# Money and rates are never binary floating point, and DuckDB divides decimals as doubles; so divide whole numbers.
   Both sides have 4 decimals; the quotient has 8, rounded half away from zero; null where the denominator is 0. #}
{% macro exact_ratio(numerator, denominator) -%}
    case when {{ denominator }} <> 0 then (
        (sign({{ numerator }}) * sign({{ denominator }}))::hugeint * (
            ((abs({{ numerator }}) * 10000)::hugeint * 200000000 + (abs({{ denominator }}) * 10000)::hugeint)
            // (2 * (abs({{ denominator }}) * 10000)::hugeint)
        )
    )::decimal(38, 0) * 0.00000001::decimal(9, 8) end
{%- endmacro %}
