-- One row per customer with MRR twelve months before the end of the period.
select
    {{ record('customer') }},
    concat_ws('|', customer.grain, customer.period_start, customer.product) as record_part,
    customer.grain,
    customer.period_start,
    customer.period_until,
    customer.closing_on as occurred_on,
    {{ dimensions('core_customer_change', 'customer') }},
    customer.product is null as in_total,
    customer.closing_mrr as numerator,
    customer.year_ago_mrr as denominator
from {{ ref('core_customer_change') }} as customer
where customer.year_ago_mrr is null or customer.year_ago_mrr > 0
