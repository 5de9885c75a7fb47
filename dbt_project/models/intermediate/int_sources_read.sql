-- One row per source that says through which day it is known: a service that was read to its end at least once, or a
-- source of exports that declares it. Exports are known through the day of the slowest one that declares it.
{%- set days = value_at_max('read_through', ['loaded_at']) ~ ' filter (where read_through is not null)' %}
{%- for source, declared in var('sources', {}).items() %}
    {%- set cursors = adapter.get_relation(target.database, 'raw_' ~ source, '_cursors') if execute %}
    {%- set objects = declared.known_through %}
    {%- if (declared.service or objects)
    and cursors and 'read_through' in adapter.get_columns_in_relation(cursors) | map(attribute='name') %}
        select '{{ source }}' as source_system, {{ text_literal(declared.business_unit) }} as business_unit,
        {%- if objects %}
                min(read_through) as read_through
            from
                (
                    select {{ days }} as read_through
                    from {{ cursors }}
                    where object in ('{{ objects | join("', '") }}')
                    group by object
                )
            having count(read_through) = {{ objects | length }}
        {%- else %} max(read_through) as read_through from {{ cursors }} having max(read_through) is not null
        {%- endif %}
        union all
    {%- endif %}
{%- endfor %}
select null::string as source_system, null::string as business_unit, null::date as read_through
where false
