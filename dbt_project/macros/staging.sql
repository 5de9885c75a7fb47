{# A raw table. One that a service was not asked for (`objects` in the settings), or whose source was never loaded, is
   empty. In one of a service that was loaded before its contract declared a column, that column is null. #}
{% macro raw(source_name, object_name) -%}
    {%- set table = source(source_name, object_name) -%}
    {%- if not execute or table.is_cte or source_name not in var('services') and load_relation(table) -%}
        {{ table }}
    {%- else -%}
        {%- set declared = graph.sources['source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ object_name].columns.values() -%}
        {%- set loaded = load_relation(table) -%}
        {%- set held = adapter.get_columns_in_relation(loaded) | map(attribute='name') | list if loaded else [] -%}
        {%- set lacking = declared | rejectattr('name', 'in', held) | list -%}
        {%- if loaded and not lacking -%}
        {{ table }}
        {%- elif loaded -%}
        (
            select
                {%- for column in lacking %}
                null::{{ column.data_type }} as {{ adapter.quote(column.name) }},
                {%- endfor %}
                *
            from {{ table }}
        )
        {%- else -%}
        (
            select
                {%- for column in declared %}
                null::{{ column.data_type }} as {{ adapter.quote(column.name) }},
                {%- endfor %}
                null::varchar as _undeclared,
                null::varchar as _source_file,
                null::bigint as _source_line,
                null::varchar as _source_sha256,
                null::timestamptz as _valid_from,
                null::timestamptz as _valid_to,
                null::timestamptz as _deleted_at,
                null::varchar as _deleted_reason
            where false
        )
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{# The newest version of every record that the source still has: closed versions and tombstones stay in raw. Whoever
   sold or paid did so even if it is deleted later: `deleted=true` takes its last version, too. #}
{% macro current_rows(source_name, object_name, deleted=false) -%}
    select * from {{ raw(source_name, object_name) }} where _valid_to is null
    {%- if source_name in var('services') and not deleted %} and _deleted_at is null{% endif %}
{%- endmacro %}


{# What each merged record has become in the end, however many mergers that took: (merged_id, into_id). #}
{% macro merged_records(source_name, object_name) -%}
    with recursive merger as (
        select
            id as merged_id,
            _deleted_reason[length('merged into ') + 1:] as into_id
        from {{ raw(source_name, object_name) }}
        where _valid_to is null and starts_with(_deleted_reason, 'merged into ')
    ),

    followed as (
        select merged_id, into_id from merger
        union
        select followed.merged_id, merger.into_id
        from followed
        inner join merger on followed.into_id = merger.merged_id
    )

    select merged_id, into_id from followed where into_id not in (select merged_id from merger)
{%- endmacro %}


{# The sum of a column over a record's lines; null as soon as one line lacks it, since the rest is no sum. #}
{% macro sum_if_known(column) -%}
    case when count({{ column }}) = count(*) then sum({{ column }}) end
{%- endmacro %}


{# What the most valuable of a record's lines sells; null where several compete and one has no price. #}
{% macro most_valuable(column, price) -%}
    case when count(*) = 1 or count({{ price }}) = count(*) then arg_max({{ column }}, (coalesce({{ price }}, 0), id)) end
{%- endmacro %}


{# How a subscription ended: 'cancelled' where somebody or something ended it (notice, dunning), which counts at once;
   'lapsed' where it ran out without a word, and may be renewed within the days of grace; null while it lasts. #}
{% macro end_kind(ended, is_explicit) -%}
    case when {{ ended }} is not null then if({{ is_explicit }}, 'cancelled', 'lapsed') end
{%- endmacro %}


{# Where a row came from; every staging model ends with these columns. #}
{% macro provenance(source_name, object_name, record_id, of=none) -%}
    {%- set of = of ~ '.' if of else '' -%}
    '{{ source_name }}' as source_system,
    '{{ object_name }}' as source_object,
    {{ record_id }} as record_id,
    {{ of }}_source_file as source_file,
    {{ of }}_source_line as source_line,
    {{ of }}_source_sha256 as source_sha256,
    {{ of }}_valid_from as loaded_at
{%- endmacro %}


{# The name that a source's spelling stands for (seeds/aliases.csv), or the spelling itself. #}
{% macro known_as(field, column) -%}
    coalesce((
        select alias_of.name
        from {{ ref('aliases') }} as alias_of
        where alias_of.field = '{{ field }}' and alias_of.spelling = {{ column }}
    ), {{ column }})
{%- endmacro %}


{# The company's day on which a moment falls. #}
{% macro local_day(moment) -%}
    ({{ moment }} at time zone '{{ var("timezone") }}')::date
{%- endmacro %}


{# The moment that a clock on the company's wall tells. #}
{% macro moment_of(wall_clock) -%}
    {{ wall_clock }} at time zone '{{ var("timezone") }}'
{%- endmacro %}


{# The moment at which a local day begins. #}
{% macro start_of_day(day) -%}
    ({{ day }})::timestamp at time zone '{{ var("timezone") }}'
{%- endmacro %}


{# An amount in the smallest unit of its currency, which has 2 digits but for those that ISO 4217 and Stripe except. #}
{% macro major_units(amount, currency) -%}
    try_cast({{ amount }} as decimal(30, 8)) * case
        when {{ currency }} in (
            'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
        ) then 1
        when {{ currency }} in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 0.001
        else 0.01
    end::decimal(4, 3)
{%- endmacro %}
