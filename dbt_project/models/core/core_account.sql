-- One row per customer account of a source system.
with unioned as (
    select
        *,
        {{ source_meta('maven_crm', 'business_unit') }} as business_unit,
        cast(null as boolean) as is_flagged_as_churned
    from {{ ref('stg_maven_crm__accounts') }}

    union all by name

    select
        *,
        {{ source_meta('ravenstack', 'business_unit') }} as business_unit
    from {{ ref('stg_ravenstack__accounts') }}
    {{- and_of_services('accounts') }}
)

select
    source_system || ':' || account_id as account_key,
    business_unit,
    account_id,
    account_name,
    coalesce(segment, 'unknown') as segment,
    coalesce(country, 'unknown') as country,
    is_flagged_as_churned,
    source_system,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256
from unioned
