-- One row per support ticket.
select
    ticket.source_system || ':' || ticket.ticket_id as ticket_key,
    ticket.source_system || ':' || ticket.account_id as account_key,
    ticket.business_unit,
    coalesce(account.segment, 'unknown') as segment,
    coalesce(account.country, 'unknown') as country,
    ticket.submitted_on,
    {{ local_day('ticket.closed_at') }} as closed_on,
    ticket.closed_at,
    ticket.first_response_minutes,
    ticket.satisfaction_score,
    ticket.priority,
    ticket.source_system,
    ticket.source_object,
    ticket.record_id,
    ticket.source_file,
    ticket.source_line,
    ticket.source_sha256,
    ticket.loaded_at
from {{ ref('int_tickets') }} as ticket
left join {{ ref('core_account') }} as account on ticket.source_system || ':' || ticket.account_id = account.account_key
