-- One row per opportunity closed in the period.
select
    {{ record('deal') }},
    deal.closed_on as occurred_on,
    {{ dimensions('core_opportunity', 'deal') }},
    cast(deal.is_won as int) as numerator
from {{ ref('core_opportunity') }} as deal
where deal.is_closed and deal.closed_on is not null
