{# The newest version of every record that the source still has: closed versions and tombstones stay in raw. #}
{% macro current_rows(source_name, object_name) -%}
    select * from {{ source(source_name, object_name) }} where _valid_to is null
    {%- if source_name in var('services') %} and _deleted_at is null{% endif %}
{%- endmacro %}


{# Adds to a union the staging models of the services that are set, with what the settings say of them. #}
{% macro and_of_services(concept, services) -%}
    {%- for service in services if service in var('services') %}

    union all by name

    select
        * {% if concept in ('opportunities', 'subscriptions') %}replace (
            coalesce(currency, '{{ var("services")[service].currency }}') as currency
        ){% endif %},
        '{{ var("services")[service].business_unit }}' as business_unit
    from {{ ref('stg_' ~ service ~ '__' ~ concept) }}
    {%- endfor %}
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


{# The moment at which a local day begins. #}
{% macro start_of_day(day) -%}
    ({{ day }})::timestamp at time zone '{{ var("timezone") }}'
{%- endmacro %}
