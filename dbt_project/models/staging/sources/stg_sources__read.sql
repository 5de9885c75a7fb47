-- One row per source that says through which day it is known: a service that was read to its end at least once, and a
-- source of exports that declares it, through the day of the slowest of the exports that do.
{%- set days = 'arg_max(read_through, loaded_at) filter (read_through is not null)' %}
{%- set sources = [] %}
{%- for service in var('services') %}
{%- do sources.append((service, var('services')[service].business_unit, [])) %}
{%- endfor %}
{%- for source, tables in (graph.sources.values() if execute else []) | groupby('source_name') %}
{%- set declared = tables | selectattr('config.meta.known_through', 'defined') | map(attribute='name') | sort %}
{%- if declared %}{% do sources.append((source, tables[0].source_meta.business_unit, declared)) %}{% endif %}
{%- endfor %}
{%- for source, business_unit, objects in sources %}
{%- set cursors = adapter.get_relation(target.database, 'raw_' ~ source, '_cursors') if execute %}
{%- if cursors and 'read_through' in adapter.get_columns_in_relation(cursors) | map(attribute='name') %}
select
    '{{ source }}' as source_system,
    {{ dbt.string_literal(dbt.escape_single_quotes(business_unit)) }} as business_unit,
{%- if objects %}
    min(read_through) as read_through
from (
    select {{ days }} as read_through
    from {{ cursors }}
    where object in ('{{ objects | join("', '") }}')
    group by object
)
having count(read_through) = {{ objects | length }}
{%- else %}
    max(read_through) as read_through
from {{ cursors }}
having max(read_through) is not null
{%- endif %}
union all
{%- endif %}
{%- endfor %}
select
    null::varchar as source_system,
    null::varchar as business_unit,
    null::date as read_through
where false
