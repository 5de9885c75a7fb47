-- One row per business unit and parameter of a metric (`<metric>.<parameter>`): the number that holds for the unit.
with
    parameter(business_unit, parameter, number) as (
        values
            {% for row in var('parameters', []) %}
                (
                    {{ dbt.string_literal(dbt.escape_single_quotes(row.business_unit)) }},
                    '{{ row.parameter }}',
                    cast('{{ row.number }}' as decimal(30, 8))
                ){{ ',' if not loop.last }}
            {% else %} (null, null, null)
            {% endfor %}
    )

select business_unit::string as business_unit, parameter::string as parameter, number::decimal(30, 8) as number
from parameter
where parameter is not null
