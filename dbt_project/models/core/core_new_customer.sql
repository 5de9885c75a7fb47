-- One row per customer: its first won deal. A customer who comes back is not new again.
with
    won as (
        select
            *,
            row_number() over (
                partition by account_key order by closed_on nulls last, opportunity_key nulls last
            ) as place
        from {{ ref('core_opportunity') }}
        where is_won and account_key is not null
    )

select
    account_key,
    business_unit,
    region,
    team,
    rep,
    product,
    segment,
    country,
    closed_on as started_on,
    source_system,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256
from won
where place = 1
