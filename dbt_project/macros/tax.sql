{# The sum of the taxes in a list that their amount includes; null where one of them is not known. #}
{% macro inclusive_tax(taxes) -%} {{ json_sum(taxes, 'amount', "entry.tax_behavior = 'inclusive'") }} {%- endmacro %}


{# The sum of the tax rates in a list that a price includes, in percent of the net; null where no rate is given. #}
{% macro inclusive_percent(rates) -%}
    case when {{ json_length(rates) }} > 0 then {{ json_sum(rates, 'percentage', 'entry.inclusive') }} end
{%- endmacro %}
