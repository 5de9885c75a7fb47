-- One row per account that is linked to a customer by hand.
with
    source as ({{ current_rows('company', 'customer_links') }}),

    named as (
        select
            source,
            account_id,
            customer,
            {{ provenance('company', 'customer_links', "concat_ws('|', source, account_id, customer)") }}
        from source
    )

select *
from named
