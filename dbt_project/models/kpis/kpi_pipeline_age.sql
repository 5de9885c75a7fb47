-- One row per opportunity and period at whose end it was open.
select
    {{ record('deal') }},
    concat_ws('|', deal.grain, deal.period_start) as record_part,
    deal.grain,
    deal.period_start,
    deal.closing_on as occurred_on,
    {{ dimensions('core_open_deal', 'deal') }},
    deal.age_days as numerator
from {{ ref('core_open_deal') }} as deal
