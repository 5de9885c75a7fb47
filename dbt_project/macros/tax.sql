{# Of taxes as Stripe lists them, what the amount beside them includes; null where they are not known. #}
{% macro inclusive_tax(taxes) -%}
    case when {{ taxes }} is not null then coalesce(list_sum([
        each.amount for each in from_json({{ taxes }}, '[{"amount": "BIGINT", "tax_behavior": "VARCHAR"}]')
        if each.tax_behavior = 'inclusive'
    ]), 0)::bigint end
{%- endmacro %}


{# Of tax rates as Stripe lists them, the percent of the net that a price includes; null where no rate is given. #}
{% macro inclusive_percent(rates) -%}
    case when json_array_length({{ rates }}) > 0 then coalesce(list_sum([
        each.percentage for each in from_json({{ rates }}, '[{"percentage": "DECIMAL(9,4)", "inclusive": "BOOLEAN"}]')
        if each.inclusive
    ]), 0)::decimal(9, 4) end
{%- endmacro %}
