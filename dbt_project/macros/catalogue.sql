{# What the project's YAML declares, for other macros. A unit test of dbt has no graph. There the columns come from the
   table that was built, and everything else from the test's `overrides`. #}
{# The columns that the fact's YAML lists; empty while dbt still parses. #}
{% macro fact_columns(fact) %}
    {% if not execute %} {{ return({}) }}{% endif %}
    {% if graph.nodes %} {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ fact].columns) }}{% endif %}
    {% set built = api.Relation.create(database=target.database, schema='core', identifier=fact) %}
    {{ return(adapter.get_columns_in_relation(built) | map(attribute='name') | list) }}
{% endmacro %}


{# References to all KPI models of the project. A model that calls this depends on each of them. #}
{% macro kpi_models() %}
    {% set models = [] %}
    {% for name in var('kpis', []) %} {% do models.append(ref(name)) %} {% endfor %}
    {{ return(models) }}
{% endmacro %}


{# The plan that `scorecard plan` shows: the metrics, and the passes that compute them. It is made from the KPIs'
   compiled SQL before each build, and lies in the folder in which dbt runs. Without a plan no KPI has a value. #}
{% macro plan() %}
    {% set nothing = {'metrics': [], 'passes': [], 'plain': {}, 'derived': []} %}
    {% if not execute or not run_query("select file from glob('plan.json')").rows %} {{ return(nothing) }}{% endif %}
    {{ return(fromjson(run_query("select content from read_text('plan.json')").rows[0][0])) }}
{% endmacro %}


{# Every metric and every variant, as rows for a test: (metric, unit). #}
{% macro catalogue_rows() -%}
    values
        {%- for metric in plan().metrics %}
            ('{{ metric.metric }}', '{{ metric.unit }}') {%- if not loop.last %},{% endif %}
        {%- else %} (null, null)
        {%- endfor %}
{%- endmacro %}


{# Every metric with each KGI that it is, or that it drives directly or through other metrics, as rows for a test:
   (metric, kgi). #}
{% macro kgi_rows() -%}
    {%- set metrics = plan().metrics -%}
    {%- set drives = {} -%}
    {%- for metric in metrics %} {% do drives.update({metric.metric: metric.drives}) %} {% endfor -%}
    {%- set kgis = metrics | selectattr('level', 'equalto', 'kgi') | map(attribute='metric') | list -%}
    values
        (null, null)
        {%- for metric in metrics %}
            {% for name in reached_from(metric.metric, drives) if name in kgis %}
                , ('{{ metric.metric }}', '{{ name }}')
            {%- endfor %}
        {% endfor %}
{%- endmacro %}


{# A metric and all metrics that it drives. The loop visits the list while it grows. A metric is in it once, so a cycle
   ends. #}
{% macro reached_from(metric, drives) %}
    {% set reached = [metric] %}
    {% for name in reached %}
        {% for other in drives.get(name, []) if other not in reached %} {% do reached.append(other) %} {% endfor %}
    {% endfor %}
    {{ return(reached) }}
{% endmacro %}


{# The end of a test's query. The test fails with a sentence that names what is wrong, instead of a count of rows. The
   error is raised in the condition: dbt only counts the rows, so an engine need not compute their columns. #}
{% macro fail_by_name(relation, sentence) -%}
    select 1 as failed from {{ relation }} having count(*) > 0 and {{ failure(joined_texts(sentence, ' ')) }} is null
{%- endmacro %}


{# The beginning of a sentence about a row that a person wrote: its file and line. #}
{% macro at_line(row) -%} {{ row }}.source_file || ', line ' || {{ row }}.source_line || ': ' {%- endmacro %}


{# The business units with declared sources of which nothing was read yet. Their targets can't be checked yet. #}
{% macro units_without_data() -%}
    select declared.unit
    from
        (
            {%- for unit in var('sources', {}).values() | map(attribute='business_unit') | unique %}
                select {{ text_literal(unit) }} as unit
                union all
            {%- endfor %}
            select null::string as unit
            where false
        ) as declared
    anti join {{ ref('core_horizon') }} as horizon on declared.unit = horizon.business_unit
{%- endmacro %}
