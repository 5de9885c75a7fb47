-- One row per sales rep.
with unioned as (
    select
        *,
        {{ source_meta('maven_crm', 'business_unit') }} as business_unit
    from {{ ref('stg_maven_crm__reps') }}
    {{- and_of_services('reps') }}
)

select
    rep,
    team,
    region,
    business_unit,
    source_system
from unioned
