-- One row per sales rep.
select
    rep,
    team,
    region,
    {{ source_meta('maven_crm', 'business_unit') }} as business_unit,
    source_system
from {{ ref('stg_maven_crm__reps') }}
