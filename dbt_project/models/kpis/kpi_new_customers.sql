-- One row per customer: its first won deal.
select
    {{ record('customer') }},
    customer.started_on as occurred_on,
    {{ dimensions('core_new_customer', 'customer') }},
    1 as numerator
from {{ ref('core_new_customer') }} as customer
where customer.started_on is not null
