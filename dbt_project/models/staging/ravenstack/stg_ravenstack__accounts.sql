-- One row per customer account.
with
    source as ({{ current_rows('ravenstack', 'accounts') }}),

    renamed as (
        select
            account_id,
            account_name,
            industry as segment,
            country,
            signup_date as signed_up_on,
            churn_flag as is_flagged_as_churned,
            {{ provenance('ravenstack', 'accounts', 'account_id') }}
        from source
    )

select *
from renamed
