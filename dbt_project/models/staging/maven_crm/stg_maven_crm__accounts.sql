-- One row per customer account.
with
    source as ({{ current_rows('maven_crm', 'accounts') }}),

    renamed as (
        select
            account as account_id,
            account as account_name,
            sector as segment,
            office_location as country,
            {{ provenance('maven_crm', 'accounts', 'account') }}
        from source
    )

select *
from renamed
