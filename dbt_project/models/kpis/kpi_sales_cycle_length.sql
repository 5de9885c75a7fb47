-- One row per won opportunity, but for those won before they were created. Without a day of creation the span is not
-- known.
select
    {{ record('deal') }},
    deal.closed_on as occurred_on,
    {{ dimensions('core_opportunity', 'deal') }},
    deal.cycle_days as numerator
from {{ ref('core_opportunity') }} as deal
where deal.is_won and (deal.cycle_days >= 0 or deal.cycle_days is null) and deal.closed_on is not null
