-- Links that give one account to several customers.
{{ config(
    severity='warn',
    meta={
        'why': 'An account of several customers is linked to none of them.',
        'cure': 'Delete all but one of these lines of customer_links.csv, or name the same customer in all of them.',
    },
) }}
with
    compared as (
        select *, min(customer) over same as first_customer, max(customer) over same as last_customer
        from {{ ref('int_customer_links') }}
        window same as (partition by business_unit, source, account_id)
    )

select
    business_unit,
    {{ at_line('compared') }}
    || 'the account '
    || account_id
    || ' of '
    || source
    || ' is linked to '
    || customer
    || ', and '
    || 'elsewhere to '
    || case when customer = first_customer then last_customer else first_customer end
    || '.' as problem
from compared
where first_customer <> last_customer
