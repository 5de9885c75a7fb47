{# The observation contract: what every KPI selects. docs/metrics-guide.md, Add a metric, explains it. #}
{# The record that an observation comes from, and where that record was read. #}
{% macro record(alias) -%}
    {{ alias }}.source_system,
    {{ alias }}.source_object,
    {{ alias }}.record_id,
    {{ alias }}.source_file,
    {{ alias }}.source_line,
    {{ alias }}.source_sha256
{%- endmacro %}


{# The business unit of a fact's row, and its member in each of the fact's dimensions. #}
{% macro dimensions(fact, alias) -%}
    {{ alias }}.business_unit
    {%- for dimension in dimensions_of(fact) if dimension not in ['company', 'business_unit'] %}
        , {{ alias }}.{{ dimension }}
    {%- endfor %}
{%- endmacro %}


{# The columns of the contract, by kind of metric: required and optional columns, with the types that each may have. #}
{% macro observation_contract(kind) %}
    {% set text = ['VARCHAR'] %}
    {% set number = ['DECIMAL', 'INTEGER', 'BIGINT', 'SMALLINT', 'TINYINT', 'HUGEINT'] %}
    {% set required = {
        'source_system': text, 'source_object': text, 'record_id': text, 'business_unit': text,
        'occurred_on': ['DATE'], 'numerator': number,
    } %}
    {% set optional = {
        'record_part': text, 'source_file': text, 'source_line': number, 'source_sha256': text,
        'occurred_at': ['TIMESTAMP WITH TIME ZONE'], 'denominator': number, 'settles_on': ['DATE'],
        'in_total': ['BOOLEAN'], 'is_event': ['BOOLEAN'],
    } %}
    {% if kind == 'stock' %} {% do required.update({'ended_on': ['DATE']}) %} {% endif %}
    {% if kind == 'period' %}
        {% do required.update({'grain': text, 'period_start': ['DATE']}) %}
        {% do optional.update({'period_until': ['DATE']}) %}
    {% endif %}
    {% for dimension in own_dimensions() if dimension not in ['company', 'business_unit'] %}
        {% do optional.update({dimension: text}) %}
    {% endfor %}
    {{ return({'required': required, 'optional': optional}) }}
{% endmacro %}


{# Stops the build if the columns of a KPI differ from the contract. It runs after the KPI's view is made. #}
{% macro refuse_other_shape() %}
    {% if not execute %} {{ return('') }}{% endif %}
    {% set contract = observation_contract(model.config.meta.get('kind', 'flow')) %}
    {% set types = columns_of(this) %}
    {% set wrong = [] %}
    {% for name, allowed in contract.required.items() if name not in types %}
        {% do wrong.append('lacks the column ' ~ name ~ ' (' ~ allowed[0] | lower ~ ')') %}
    {% endfor %}
    {% set cross = model.config.meta.get('cross', []) %}
    {% for name in (cross if cross and cross[0] is string else cross | sum(start=[])) if name not in types %}
        {% do wrong.append('lacks the column ' ~ name ~ ', which `cross` names') %}
    {% endfor %}
    {% for name, type in types.items() %}
        {% set allowed = contract.required.get(name, contract.optional.get(name)) %}
        {% if not allowed %}
            {% do wrong.append('has the column ' ~ name ~ ', which is neither of the contract nor a dimension') %}
        {% elif type.split('(')[0] not in allowed %}
            {% do wrong.append('has ' ~ name ~ ' as ' ~ type | lower ~ ' instead of ' ~ allowed[0] | lower) %}
        {% endif %}
    {% endfor %}
    {% if wrong %}
        {{ exceptions.raise_compiler_error(
            model.original_file_path ~ ' (kind: ' ~ model.config.meta.get('kind', 'flow') ~ ') ' ~ wrong | join('; ')
            ~ '. Correct its select, or its `kind`; docs/metrics-guide.md, Add a metric, lists the columns.'
        ) }}
    {% endif %}
{% endmacro %}


{# The types of a relation's columns by name. #}
{% macro columns_of(relation) %}
    {% set types = {} %}
    {% for row in run_query('describe select * from ' ~ relation).rows %}
        {% do types.update({row[0]: row[1]}) %}
    {% endfor %}
    {{ return(types) }}
{% endmacro %}


{# The observations of one metric in one shape: every column of the contract, and every dimension. #}
{% macro observations_of(metric, relation) %}
    {% set columns = columns_of(relation) %}
    select
        '{{ metric }}' as metric,
        concat_ws(
            '|',
            source_system,
            source_object,
            record_id
            {%- if 'record_part' in columns %}, nullif(record_part, ''){% endif %}
        ) as observation_id,
        source_system,
        source_object,
        record_id,
        {{ 'record_part' if 'record_part' in columns else "''" }} as record_part,
        {{ or_null('source_file', 'string', columns) }},
        {{ or_null('source_line', 'bigint', columns) }},
        {{ or_null('source_sha256', 'string', columns) }},
        {{ 'occurred_at' if 'occurred_at' in columns else start_of_day('occurred_on') }} as occurred_at,
        occurred_on,
        {{ or_null('ended_on', 'date', columns) }},
        {{ or_null('grain', 'string', columns) }},
        {{ or_null('period_start', 'date', columns) }},
        {% if 'period_start' in columns and 'period_until' not in columns %}
            {{ add_days('period_start', 1) }} as period_until,
        {% else %} {{ or_null('period_until', 'date', columns) }},
        {% endif %}
        business_unit as scope,
        {{ members(columns) }},
        {% for dimension in var('dimensions') if dimension.name not in ['company', 'business_unit'] %}
            {{ member_of(metric, dimension, columns) }},
        {% endfor %}
        try_cast(numerator as decimal(30, 8)) as numerator,
        try_cast({{ 'denominator' if 'denominator' in columns else 1 }} as decimal(30, 8)) as denominator,
        {{ 'is_event' if 'is_event' in columns else 'true' }} as is_event,
        {{ or_null('settles_on', 'date', columns) }}
    from {{ relation }}
{% endmacro %}


{# A column, or null where there is none of its name. #}
{% macro or_null(name, type, columns) -%}
    {{ name if name in columns else 'cast(null as ' ~ type ~ ') as ' ~ name }}
{%- endmacro %}


{# The members of an observation in company and business unit. They are null where `in_total` says that the observation
   counts for its other members only. #}
{% macro members(columns) -%}
    {%- if 'in_total' in columns -%}
        case when in_total then 'all' end as company, case when in_total then business_unit end as business_unit
    {%- else -%} 'all' as company, business_unit
    {%- endif -%}
{%- endmacro %}


{# No rows, in the shape of the observations. #}
{% macro no_observations() %}
    select
        {% for name in ['metric', 'observation_id', 'source_system', 'source_object', 'record_id', 'record_part', 'source_file'] %}
            cast(null as string) as {{ name }},
        {% endfor %}
        cast(null as bigint) as source_line,
        cast(null as string) as source_sha256,
        cast(null as {{ type_of('moment') }}) as occurred_at,
        cast(null as date) as occurred_on,
        cast(null as date) as ended_on,
        cast(null as string) as grain,
        cast(null as date) as period_start,
        cast(null as date) as period_until,
        cast(null as string) as scope,
        {% for dimension in all_dimensions() %} cast(null as string) as {{ dimension }}, {% endfor %}
        cast(null as decimal(30, 8)) as numerator,
        cast(null as decimal(30, 8)) as denominator,
        cast(null as boolean) as is_event,
        cast(null as date) as settles_on
    where false
{% endmacro %}
