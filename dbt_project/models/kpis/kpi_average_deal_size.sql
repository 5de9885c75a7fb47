-- One row per won opportunity; renewals of no value are left out, a value that isn't known is not.
select
    {{ record('deal') }},
    deal.closed_on as occurred_on,
    {{ dimensions('core_opportunity', 'deal') }},
    deal.amount as numerator
from {{ ref('core_opportunity') }} as deal
where deal.is_won and (deal.amount is null or deal.amount > 0) and deal.closed_on is not null
