-- Columns that are not in every KPI model, or of another type in one.
{{ config(
    severity='error',
    meta={
        'why': 'Every KPI model has the same columns, of the same types; these are missing from one or differ.',
        'cure': 'Write the model with the macro `observations`, which gives the shape.',
    },
) }}
{% set models = kpi_models() %}
select
    column_name,
    count(*) as models,
    string_agg(distinct data_type, ', ' order by data_type) as types
from information_schema.columns
where table_schema = 'kpis' and table_name in ({% for model in models %}'{{ model.identifier }}'{{ ', ' if not loop.last }}{% endfor %})
group by column_name
having count(*) <> {{ models | length }} or count(distinct data_type) <> 1
