-- One row per customer (and, by product, per customer of the product) at the start of the period. One in its days of
-- grace is not lost so far.
select
    {{ record('customer') }},
    concat_ws('|', customer.grain, customer.period_start, customer.product) as record_part,
    customer.grain,
    customer.period_start,
    customer.period_until,
    customer.closing_on as occurred_on,
    {{ dimensions('core_customer_change', 'customer') }},
    customer.product is null as in_total,
    cast(customer.was_lost as int) as numerator,
    customer.settles_on
from {{ ref('core_customer_change') }} as customer
where customer.was_active
