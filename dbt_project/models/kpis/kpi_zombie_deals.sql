-- One row per opportunity that stayed open longer than the parameter says, for as long as it did.
with
    deal as (
        select opportunity.*, {{ add_days('opportunity.created_on', 'stale.number') }} as stale_on
        from {{ ref('core_opportunity') }} as opportunity
        left join
            {{ ref('core_parameter') }} as stale
            on opportunity.business_unit = stale.business_unit
            and stale.parameter = 'zombie_deals.stale_days'
    )

select
    {{ record('deal') }},
    deal.stale_on as occurred_on,
    deal.closed_on as ended_on,
    {{ dimensions('core_opportunity', 'deal') }},
    1 as numerator
from deal
where deal.stale_on is not null and (deal.closed_on is null or deal.closed_on > deal.stale_on)
