-- One row per ticket that was answered.
select
    {{ record('ticket') }},
    ticket.submitted_on as occurred_on,
    {{ dimensions('core_ticket', 'ticket') }},
    ticket.first_response_minutes as numerator
from {{ ref('core_ticket') }} as ticket
where ticket.first_response_minutes is not null and ticket.submitted_on is not null
