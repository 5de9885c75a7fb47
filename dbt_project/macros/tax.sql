{# The sum of a field over the entries of a JSON list that meet a condition, to 8 decimals: 0 where none of them does;
   null where there is no list, or such an entry has no number there. #}
{% macro sum_listed(entries, field, condition='true') -%}
    {%- set shape = '[{"' ~ field ~ '": "VARCHAR", "tax_behavior": "VARCHAR", "inclusive": "BOOLEAN"}]' -%}
    {%- set numbers -%}
        [
            try_cast(entry.{{ field }} as decimal(28, 8))
            for entry in from_json({{ entries }}, '{{ shape }}') if {{ condition }}
        ]
    {%- endset -%}
    case when list_count({{ numbers }}) = len({{ numbers }}) then coalesce(list_sum({{ numbers }}), 0) end
{%- endmacro %}


{# Of a list of taxes, what the amount beside them includes; null where they are not known. #}
{% macro inclusive_tax(taxes) -%}
    {{ sum_listed(taxes, 'amount', "entry.tax_behavior = 'inclusive'") }}
{%- endmacro %}


{# Of a list of tax rates, the percent of the net that a price includes; null where no rate is given. #}
{% macro inclusive_percent(rates) -%}
    case when json_array_length({{ rates }}) > 0 then {{ sum_listed(rates, 'percentage', 'entry.inclusive') }} end
{%- endmacro %}
