{# A raw table. It is empty if the settings leave it out (`objects` of a service), or if its source was never loaded.
   If a service's table was loaded before its contract declared a column, that column is null. The tables of a
   service's accounts, and those of the company's folders, are united, and `_source_system` names the source of each
   row. #}
{% macro raw(source_name, object_name) -%}
    {%- set table = source(source_name, object_name) -%}
    {%- if not is_service(source_name) -%}
        {{ table if not execute or table.is_cte or load_relation(table) else _raw_of(source_name, object_name, none) }}
    {%- elif not execute or table.is_cte -%} (select *, '{{ source_name }}' as _source_system from {{ table }})
    {%- else -%}
        (
            {%- for account in var('services', {}).get(source_name, [source_name]) %}
                {%- set loaded = adapter.get_relation(target.database, 'raw_' ~ account, object_name) %}
                select *, '{{ account }}' as _source_system
                from {{ _raw_of(source_name, object_name, loaded) }} {{- ' union all' if not loop.last }}
            {%- else %}
                select *, '{{ source_name }}' as _source_system from {{ _raw_of(source_name, object_name, none) }}
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}


{# The columns of a raw table: those of its contract and those of the extraction. A column that the loaded table lacks
   is null. Without a loaded table there are no rows. #}
{% macro _raw_of(source_name, object_name, loaded) -%}
    {%- set table = 'source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ object_name -%}
    {%- set declared = graph.sources[table].columns.values() -%}
    {%- set loaded_columns = adapter.get_columns_in_relation(loaded) | map(attribute='name') | list if loaded else [] -%}
    {%- set by_the_extraction = [
        ('_undeclared', 'string'), ('_line_key', 'string'), ('_source_file', 'string'), ('_source_line', 'bigint'),
        ('_source_sha256', 'string'), ('_valid_from', 'moment'), ('_valid_to', 'moment'),
        ('_deleted_at', 'moment'), ('_deleted_reason', 'string'),
    ] -%}
    (
        select
            {%- for column in declared %}
                {{ _loaded_or_null(column.name, column.data_type, loaded_columns) }},
            {%- endfor %}
            {%- for name, data_type in by_the_extraction %}
                {{ _loaded_or_null(name, data_type, loaded_columns) }}{{ ',' if not loop.last }}
            {%- endfor %}
            {{ 'from ' ~ loaded if loaded else 'where false' }}
    )
{%- endmacro %}


{# A column of a raw table; null where the loaded table lacks it. #}
{% macro _loaded_or_null(column, data_type, loaded_columns) -%}
    {%- set name = adapter.quote(column) -%}
    {{ name if column in loaded_columns else 'cast(null as ' ~ type_of(data_type) ~ ') as ' ~ name }}
{%- endmacro %}


{# Whether one declaration stands for several sources: the accounts of a service, or the folders of the company's own
   files. #}
{% macro is_service(source_name) -%}
    {{ return(source_name in var('services', {}) or var('all_services', false)) }}
{%- endmacro %}


{# The newest version of every record that the source still has. Ended versions and tombstones stay in raw.
   `deleted=true` also takes the last version of deleted records: a customer who paid has paid, even if it is deleted
   later. #}
{% macro current_rows(source_name, object_name, deleted=false) -%}
    select *
    from {{ raw(source_name, object_name) }}
    where _valid_to is null {%- if is_service(source_name) and not deleted %} and _deleted_at is null{% endif %}
{%- endmacro %}


{# The record that each merged record has become, after all its mergers: (_source_system, merged_id, into_id). #}
{% macro merged_records(source_name, object_name) -%}
    {%- set merger -%}
    (
        select
            _source_system,
            id as merged_id,
            substr(_deleted_reason, length('merged into ') + 1) as into_id
        from {{ raw(source_name, object_name) }}
        where _valid_to is null and _deleted_reason like 'merged into %'
    )
    {%- endset -%}
    select *
    from {{ followed_mergers(merger) }} as followed
{%- endmacro %}


{# The sum of a column over a record's lines; null if one line lacks it, since the sum of the others would be too
   small. #}
{% macro sum_if_known(column) -%} case when count({{ column }}) = count(*) then sum({{ column }}) end {%- endmacro %}


{# A column of a record's most valuable line; null where there are several lines and one of them has no price. #}
{% macro most_valuable(column, price) -%}
    case
        when count(*) = 1 or count({{ price }}) = count(*)
        then {{ value_at_max(column, ['coalesce(' ~ price ~ ', 0)', 'id']) }}
    end
{%- endmacro %}


{# How a subscription ended. 'cancelled': somebody or something ended it (notice, dunning), which counts at once.
   'lapsed': it ran out without notice, and may be renewed within the days of grace. Null while it lasts. #}
{% macro end_kind(ended, is_explicit) -%}
    case when {{ ended }} is not null then if({{ is_explicit }}, 'cancelled', 'lapsed') end
{%- endmacro %}


{# Where a row comes from. Every staging model ends with these columns. #}
{% macro provenance(source_name, object_name, record_id, of=none) -%}
    {%- set of = of ~ '.' if of else '' -%}
    {{ of ~ '_source_system' if is_service(source_name) else "'" ~ source_name ~ "'" }} as source_system,
    '{{ object_name }}' as source_object,
    {{ record_id }} as record_id,
    {{ of }}_source_file as source_file,
    {{ of }}_source_line as source_line,
    {{ of }}_source_sha256 as source_sha256,
    {{ of }}_valid_from as loaded_at
{%- endmacro %}


{# An amount in whole units of its currency. Payment services count in the smallest unit, which is a hundredth except
   in the currencies listed here. #}
{% macro major_units(amount, currency) -%}
    try_cast({{ amount }} as decimal(30, 8)) * case
        when
            {{ currency }}
            in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF')
        then 1
        when {{ currency }} in ('BHD', 'JOD', 'KWD', 'OMR', 'TND')
        then 0.001
        else 0.01
    end::decimal(4, 3)
{%- endmacro %}
