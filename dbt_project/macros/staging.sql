{# The newest version of every record that the source still has: closed versions and tombstones stay in raw. #}
{% macro current_rows(source_name, object_name) -%}
    select * from {{ source(source_name, object_name) }} where _valid_to is null
{%- endmacro %}


{# Where a row came from; every staging model ends with these columns. #}
{% macro provenance(source_name, object_name, record_id) -%}
    '{{ source_name }}' as source_system,
    '{{ object_name }}' as source_object,
    {{ record_id }} as record_id,
    _source_file as source_file,
    _source_line as source_line,
    _source_sha256 as source_sha256,
    _valid_from as loaded_at
{%- endmacro %}


{# The name that a source's spelling stands for (seeds/aliases.csv), or the spelling itself. #}
{% macro known_as(field, column) -%}
    coalesce((
        select alias_of.name
        from {{ ref('aliases') }} as alias_of
        where alias_of.field = '{{ field }}' and alias_of.spelling = {{ column }}
    ), {{ column }})
{%- endmacro %}


{# The moment at which a local day begins. #}
{% macro start_of_day(day) -%}
    ({{ day }})::timestamp at time zone '{{ var("timezone") }}'
{%- endmacro %}
