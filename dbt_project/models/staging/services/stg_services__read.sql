-- One row per service that is set and was read to its end at least once: the day through which all it has is known.
{%- for service in var('services') %}
{%- set cursors = adapter.get_relation(target.database, 'raw_' ~ service, '_cursors') if execute %}
{%- if cursors and 'read_through' in adapter.get_columns_in_relation(cursors) | map(attribute='name') %}
select
    '{{ service }}' as source_system,
    '{{ var("services")[service].business_unit }}' as business_unit,
    max(read_through) as read_through
from {{ cursors }}
having max(read_through) is not null
union all
{%- endif %}
{%- endfor %}
select
    null::varchar as source_system,
    null::varchar as business_unit,
    null::date as read_through
where false
