-- One row per survey response.
select
    {{ record('ticket') }},
    ticket.closed_on as occurred_on,
    ticket.closed_at as occurred_at,
    {{ dimensions('core_ticket', 'ticket') }},
    case when ticket.satisfaction_score >= 4 then 1 else 0 end as numerator
from {{ ref('core_ticket') }} as ticket
where ticket.satisfaction_score is not null and ticket.closed_on is not null
