{# What the project's YAML says, for macros to read. A unit test of dbt has no graph: there columns come from the table that
   was built, and the rest from the test's `overrides`. #}
{# The columns that the fact's YAML lists; empty while dbt still parses. #}
{% macro fact_columns(fact) %}
    {% if not execute %} {{ return({}) }}{% endif %}
    {% if graph.nodes %} {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ fact].columns) }}{% endif %}
    {% set built = api.Relation.create(database=target.database, schema='core', identifier=fact) %}
    {{ return(adapter.get_columns_in_relation(built) | map(attribute='name') | list) }}
{% endmacro %}


{# The KPI models of the project, so that what calls this depends on each of them. #}
{% macro kpi_models() %}
    {% set models = [] %}
    {% for name in var('kpis', []) %} {% do models.append(ref(name)) %} {% endfor %}
    {{ return(models) }}
{% endmacro %}


{# The plan that `scorecard plan` shows: the metrics, and the passes that compute them. It is made of the KPIs' compiled SQL before
   each build, in the folder that dbt runs in. Without one, no KPI has a value. #}
{% macro plan() %}
    {% set nothing = {'metrics': [], 'passes': [], 'plain': {}, 'derived': []} %}
    {% if not execute or not run_query("select file from glob('plan.json')").rows %} {{ return(nothing) }}{% endif %}
    {{ return(fromjson(run_query("select content from read_text('plan.json')").rows[0][0])) }}
{% endmacro %}


{# Every metric and variant beside one, as rows for a test to read: (metric, unit). #}
{% macro catalogue_rows() -%}
    values
        {%- for metric in plan().metrics %}
            ('{{ metric.metric }}', '{{ metric.unit }}') {%- if not loop.last %},{% endif %}
        {%- else %} (null, null)
        {%- endfor %}
{%- endmacro %}


{# Every metric with each KGI that it is or drives, by whatever metrics between them, as rows for a test to read: (metric, kgi). #}
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


{# A metric and all that it drives. What is reached is gone through in turn while it grows, each once, so a cycle ends. #}
{% macro reached_from(metric, drives) %}
    {% set reached = [metric] %}
    {% for name in reached %}
        {% for other in drives.get(name, []) if other not in reached %} {% do reached.append(other) %} {% endfor %}
    {% endfor %}
    {{ return(reached) }}
{% endmacro %}


{# Ends a test's query: it fails with a sentence that names what is wrong, rather than with a count of rows. The error is in
   the condition, since dbt counts the rows and an engine leaves out a column that nobody reads. #}
{% macro fail_by_name(relation, sentence) -%}
    select 1 as said from {{ relation }} having count(*) > 0 and {{ failure(joined_texts(sentence, ' ')) }} is null
{%- endmacro %}


{# Where a row of what people write stands, as a sentence about it begins. #}
{% macro at_line(row) -%} {{ row }}.source_file || ', line ' || {{ row }}.source_line || ': ' {%- endmacro %}


{# The business units that sources are declared for and of which nothing was read yet: their targets can't be judged. #}
{% macro units_without_data() -%}
    select declared.unit
    from
        (
            {%- for unit in var('sources', {}).values() | map(attribute='business_unit') | unique %}
                select {{ text(unit) }} as unit
                union all
            {%- endfor %}
            select null::string as unit
            where false
        ) as declared
    anti join {{ ref('core_horizon') }} as horizon on declared.unit = horizon.business_unit
{%- endmacro %}
