-- One row per source with dated records: the days that are known. A source may say through which day it is known: a
-- service by its clock, an export by its declaration. It is known through that day, even if the day was quiet; of a
-- later day it has the first hours at most. Any other source is known through the day of its last record. A day after
-- the day on which its record was loaded is a plan, such as the end of a subscription, and does not count.
with
    event as (
        {% for fact, declared in var('facts', {}).items() %}
            {% for day in declared.horizon %}
                select source_system, business_unit, {{ day }} as happened_on, loaded_at
                from {{ ref(fact) }}
                union all
            {% endfor %}
        {% endfor %}
        select
            cast(null as string) as source_system,
            cast(null as string) as business_unit,
            cast(null as date) as happened_on,
            cast(null as {{ type_of('moment') }}) as loaded_at
        where false
    ),

    recorded as (
        select source_system, business_unit, min(happened_on) as first_on, max(happened_on) as last_on
        from event
        where happened_on <= {{ local_day('loaded_at') }}
        group by source_system, business_unit
    )

select
    coalesce(read.source_system, recorded.source_system) as source_system,
    coalesce(read.business_unit, recorded.business_unit) as business_unit,
    recorded.first_on,
    coalesce(read.read_through, recorded.last_on) as last_on
from recorded
full join
    {{ ref('int_sources_read') }} as read
    on recorded.source_system = read.source_system
    and recorded.business_unit = read.business_unit
