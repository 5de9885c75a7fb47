-- One row per support ticket. The source dates a ticket's opening by day and its closing by hour.
with
    source as ({{ current_rows('ravenstack', 'support_tickets') }}),

    renamed as (
        select
            ticket_id,
            account_id,
            submitted_at as submitted_on,
            {{ moment_of('closed_at') }} as closed_at,
            first_response_time_minutes as first_response_minutes,
            satisfaction_score::decimal(24, 8) as satisfaction_score,
            priority,
            escalation_flag as is_escalated,
            {{ provenance('ravenstack', 'support_tickets', 'ticket_id') }}
        from source
    )

select *
from renamed
