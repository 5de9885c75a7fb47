-- One row per customer and month in which its MRR changed.
select
    {{ record('movement') }},
    cast(movement.moved_on as string) as record_part,
    movement.moved_on as occurred_on,
    {{ dimensions('core_mrr_movement', 'movement') }},
    movement.amount as numerator
from {{ ref('core_mrr_movement') }} as movement
