-- One row per subscription item, from its start to its end.
select
    {{ record('item') }},
    item.started_on as occurred_on,
    item.ended_on,
    {{ dimensions('core_subscription', 'item') }},
    item.mrr as numerator
from {{ ref('core_subscription') }} as item
where item.started_on is not null and (item.ended_on is null or item.ended_on > item.started_on)
