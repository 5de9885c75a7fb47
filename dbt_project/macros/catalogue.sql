{# What the project's YAML says, for macros to read. A unit test of dbt has no graph: there columns come from the table that
   was built, and the rest from the test's `overrides`. #}


{# The columns that the fact's YAML lists; empty while dbt still parses. #}
{% macro fact_columns(fact) %}
    {% if not execute %}{{ return({}) }}{% endif %}
    {% if graph.nodes %}{{ return(graph.nodes['model.' ~ project_name ~ '.' ~ fact].columns) }}{% endif %}
    {% set built = api.Relation.create(database=target.database, schema='core', identifier=fact) %}
    {{ return(adapter.get_columns_in_relation(built) | map(attribute='name') | list) }}
{% endmacro %}


{# The KPI models of the project, so that what calls this depends on each of them. #}
{% macro kpi_models() %}
    {% set models = [] %}
    {% for name in var('kpis', []) %}{% do models.append(ref(name)) %}{% endfor %}
    {{ return(models) }}
{% endmacro %}


{# The plan that `scorecard plan` shows: the metrics, and the passes that compute them. It is made of the KPIs' compiled SQL before
   each build, in the folder that dbt runs in. Without one, no KPI has a value. #}
{% macro plan() %}
    {% set nothing = {'metrics': [], 'passes': [], 'plain': {}, 'derived': []} %}
    {% if not execute or not run_query("select file from glob('plan.json')").rows %}{{ return(nothing) }}{% endif %}
    {{ return(fromjson(run_query("select content from read_text('plan.json')").rows[0][0])) }}
{% endmacro %}


{# Every metric and variant beside one, as rows for a test to read: (metric, unit, level, drives). #}
{% macro catalogue_rows() -%}
    {%- set metrics = plan().metrics -%}
    values
    {%- for metric in metrics %}
    ('{{ metric.metric }}', '{{ metric.unit }}', '{{ metric.level }}', {{ text_list(metric.drives) }})
    {%- if not loop.last %},{% endif %}
    {%- else %} (null, null, null, [''])
    {%- endfor %}
{%- endmacro %}


{# Ends a test's query: it fails with a sentence that names what is wrong, rather than with a count of rows. The error is in
   the condition, since dbt counts the rows and DuckDB leaves out a column that nobody reads. #}
{% macro fail_by_name(relation, sentence) -%}
select 1 as said
from {{ relation }}
having count(*) > 0 and error(string_agg(distinct {{ sentence }}, ' ' order by {{ sentence }})) is null
{%- endmacro %}


{# Where a row of what people write stands, as a sentence about it begins. #}
{% macro at_line(row) -%}
    {{ row }}.source_file || ', line ' || {{ row }}.source_line || ': '
{%- endmacro %}


{# The business units that sources are declared for and of which nothing was read yet: their targets can't be judged. #}
{% macro units_without_data() -%}
    select declared.unit
    from (
        {%- for unit in var('sources', {}).values() | map(attribute='business_unit') | unique %}
        select {{ text(unit) }} as unit
        union all
        {%- endfor %}
        select null::string as unit where false
    ) as declared
    anti join {{ ref('core_horizon') }} as horizon on declared.unit = horizon.business_unit
{%- endmacro %}
