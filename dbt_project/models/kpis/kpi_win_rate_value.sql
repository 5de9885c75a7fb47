-- One row per opportunity closed in the period, weighed by its amount.
select
    {{ record('deal') }},
    deal.closed_on as occurred_on,
    {{ dimensions('core_opportunity', 'deal') }},
    case when deal.is_won then deal.amount else 0 end as numerator,
    deal.amount as denominator
from {{ ref('core_opportunity') }} as deal
where deal.is_closed and deal.closed_on is not null
