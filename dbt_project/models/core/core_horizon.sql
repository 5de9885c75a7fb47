-- One row per business unit: the days between which its sources have records. A period beyond them isn't complete.
with event as (
    select {{ source_meta('maven_crm', 'business_unit') }} as business_unit, created_on as happened_on
    from {{ ref('stg_maven_crm__opportunities') }}
    union all
    select {{ source_meta('maven_crm', 'business_unit') }}, closed_on
    from {{ ref('stg_maven_crm__opportunities') }}
    union all
    select {{ source_meta('ravenstack', 'business_unit') }}, started_on
    from {{ ref('stg_ravenstack__subscriptions') }}
    union all
    select {{ source_meta('ravenstack', 'business_unit') }}, ended_on
    from {{ ref('stg_ravenstack__subscriptions') }}
    union all
    select {{ source_meta('ravenstack', 'business_unit') }}, submitted_on
    from {{ ref('stg_ravenstack__tickets') }}
    union all
    select {{ source_meta('ravenstack', 'business_unit') }}, closed_local::date
    from {{ ref('stg_ravenstack__tickets') }}
)

select
    business_unit,
    min(happened_on) as first_on,
    max(happened_on) as last_on
from event
where happened_on is not null
group by business_unit
