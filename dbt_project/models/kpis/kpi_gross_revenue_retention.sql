-- One row per customer with MRR at the opening of the period.
select
    {{ record('customer') }},
    concat_ws('|', customer.grain, customer.period_start, customer.product) as record_part,
    customer.grain,
    customer.period_start,
    customer.period_until,
    customer.closing_on as occurred_on,
    {{ dimensions('core_customer_change', 'customer') }},
    customer.product is null as in_total,
    case
        when customer.opening_mrr is not null and customer.closing_mrr is not null
        then least(customer.opening_mrr, customer.closing_mrr)
    end as numerator,
    customer.opening_mrr as denominator
from {{ ref('core_customer_change') }} as customer
where customer.opening_mrr is null or customer.opening_mrr > 0
