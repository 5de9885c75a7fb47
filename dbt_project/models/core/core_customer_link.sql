-- One row per account that people of a unit have linked to a customer. An account that is given to several customers is
-- linked to none of them, and a check names its rows.
with
    given as (
        select
            *,
            min(customer) over same as first_customer,
            max(customer) over same as last_customer,
            row_number() over (
                partition by business_unit, source, account_id order by source_system nulls last, record_id nulls last
            ) as place
        from {{ ref('int_customer_links') }}
        window same as (partition by business_unit, source, account_id)
    )

select
    business_unit,
    source,
    account_id,
    source || ':' || account_id as account_key,
    business_unit || ':' || customer as customer_key,
    {{ record('given') }}
from given
where place = 1 and first_customer = last_customer
