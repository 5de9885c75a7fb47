-- One row per customer account of a source system.
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
from {{ ref('int_accounts') }}
