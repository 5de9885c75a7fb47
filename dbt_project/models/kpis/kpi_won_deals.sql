-- One row per won opportunity.
select {{ record('deal') }}, deal.closed_on as occurred_on, {{ dimensions('core_opportunity', 'deal') }}, 1 as numerator
from {{ ref('core_opportunity') }} as deal
where deal.is_won and deal.closed_on is not null
