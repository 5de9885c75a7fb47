{# Of a list of taxes, what the amount beside them includes; null where they are not known. #}
{% macro inclusive_tax(taxes) -%} {{ json_sum(taxes, 'amount', "entry.tax_behavior = 'inclusive'") }} {%- endmacro %}


{# Of a list of tax rates, the percent of the net that a price includes; null where no rate is given. #}
{% macro inclusive_percent(rates) -%}
    case when {{ json_length(rates) }} > 0 then {{ json_sum(rates, 'percentage', 'entry.inclusive') }} end
{%- endmacro %}
