{# All records of a concept (accounts, opportunities, …), from all sources that deliver it. The engine finds the
   sources' models by name, `stg_<source>__<concept>` or `int_<source>__<concept>`, and refuses a model with other
   columns. The columns are those in the YAML of the model that calls this. A column that a source lacks is null. The
   business unit is the source's, and so is the currency of a record without one. A member has the name that the unit's
   aliases give it. `one_per`: the column of a list of members. If a source lists a member under its old and its new
   name, only the row with the new name stays. #}
{% macro concept(name, one_per=none) %}
    {%- set columns = model.columns.values() | list if execute else [] -%}
    {%- set names = ref('int_names') if name != 'aliases' -%}
    {%- for source_model in var('concepts', {}).get(name, []) %}
        {%- set delivered = graph.nodes['model.' ~ project_name ~ '.' ~ source_model].columns if execute else {} -%}
        {{- 'union all\n' if not loop.first -}}
        select
            {%- for column in columns %}
                cast({{ _delivered(column.name, delivered) }} as {{ type_of(column.data_type) }}) as {{ column.name }}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ ref(source_model) }} as record
        {%- for column in columns if _has_members(column.name) and column.name in delivered %}
            left join
                {{ names }} as {{ column.name }}_of
                on {{ column.name }}_of.field = '{{ column.name }}'
                and record.{{ column.name }} = {{ column.name }}_of.spelling
                and {{ column.name }}_of.business_unit = {{ of_source('business_unit') }}
        {%- endfor %}
        {%- if one_per %}
            left join
                {{ ref(source_model) }} as listed
                on {{ one_per }}_of.name = listed.{{ one_per }}
                and record.source_system = listed.source_system
            where listed.{{ one_per }} is null
        {%- endif %}
    {% else -%}
        select
            {%- for column in columns %}
                cast(null as {{ type_of(column.data_type) }}) as {{ column.name }}{{ ',' if not loop.last }}
            {%- endfor %}
        where false
    {%- endfor -%}
{% endmacro %}


{# Whether a column holds members of a dimension, which may have aliases. #}
{% macro _has_members(column) -%}
    {{ return(column in all_dimensions() and column not in ['company', 'business_unit']) }}
{%- endmacro %}


{# The rows of a relation with the columns `dimension` and `member`, as `given`, and the member's present name in
   `known_member`. Of a pair, each of the two names is looked up. #}
{% macro with_names(relation) -%}
    {%- set pairs = var('dimensions') | selectattr('crosses', 'defined') | list -%}
    select
        given.*,
        {%- if pairs %}
            case
                {%- for pair in pairs %}
                    when given.dimension = '{{ pair.name }}' and given.member like '% × %' then {{ pair.renamed }}
                {%- endfor %}
                else coalesce(named.name, given.member)
            end as known_member
        {%- else %} coalesce(named.name, given.member) as known_member
        {%- endif %}
    from {{ relation }} as given
    left join
        {{ ref('int_names') }} as named
        on given.business_unit = named.business_unit
        and given.dimension = named.field
        and given.member = named.spelling
    {%- for table in ['first_named', 'second_named'] if pairs %}
            {%- set place = loop.index0 %}
        left join
            {{ ref('int_names') }} as {{ table }}
            on given.business_unit = {{ table }}.business_unit
            and case
                given.dimension
                {%- for pair in pairs %} when '{{ pair.name }}' then '{{ pair.crosses[place] }}'{% endfor %}
            end
            = {{ table }}.field
            and {{ pairs[0].parts[place] }} = {{ table }}.spelling
    {%- endfor %}
{%- endmacro %}


{# The SQL of a concept's column, from a source's model. #}
{% macro _delivered(column, delivered) -%}
    {%- if column == 'business_unit' -%} {{ of_source('business_unit') }}
    {%- elif column == 'currency' and column in delivered -%} coalesce(record.currency, {{ of_source('currency') }})
    {%- elif column == 'currency' -%} {{ of_source('currency') }}
    {%- elif column in delivered and _has_members(column) -%} coalesce({{ column }}_of.name, record.{{ column }})
    {%- elif column in delivered -%} record.{{ column }}
    {%- else -%} null
    {%- endif -%}
{%- endmacro %}


{# The `business_unit` or the `currency` that is declared for the source of a `record`. #}
{% macro of_source(key) -%}
    {%- if var('sources', {}) -%}
        case
            record.source_system
            {%- for name, source in var('sources').items() %}
                when '{{ name }}' then {{ text_literal(source[key]) }}
            {% endfor %}
        end
    {%- else -%} null
    {%- endif -%}
{%- endmacro %}


{# A text as an SQL literal. #}
{% macro text_literal(value) -%} {{ dbt.string_literal(dbt.escape_single_quotes(value)) }} {%- endmacro %}
