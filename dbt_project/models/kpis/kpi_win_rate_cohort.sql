-- One row per opportunity created in the period.
select
    {{ record('deal') }},
    deal.created_on as occurred_on,
    {{ dimensions('core_opportunity', 'deal') }},
    cast(deal.is_won as int) as numerator
from {{ ref('core_opportunity') }} as deal
where deal.created_on is not null
