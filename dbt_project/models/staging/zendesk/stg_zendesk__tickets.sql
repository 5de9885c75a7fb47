-- One row per ticket, closed when it was solved for the last time; one that was opened again since is not. What was
-- merged into another ticket is out: it is no request of its own.
with ticket as (
    {{ current_rows('zendesk', 'ticket') }}
),

rating as (
    select ticket_id, arg_max(score, (updated_at, id)) as score
    from ({{ current_rows('zendesk', 'satisfaction_rating') }})
    where score in ('good', 'bad')
    group by ticket_id
),

renamed as (
    select
        ticket.id::varchar as ticket_id,
        coalesce(ticket.organization_id, requester.organization_id)::varchar as account_id,
        {{ local_day('ticket.created_at') }} as submitted_on,
        case when ticket.status in ('solved', 'closed') then ticket.solved_at end as closed_at,
        ticket.first_reply_minutes as first_response_minutes,
        case coalesce(rating.score, ticket.satisfaction_score) when 'good' then 5 when 'bad' then 1 end::decimal(18, 2)
            as satisfaction_score,
        case ticket.priority when 'normal' then 'medium' else ticket.priority end as priority,
        {{ provenance('zendesk', 'ticket', 'ticket.id::varchar', 'ticket') }}
    from ticket
    left join ({{ current_rows('zendesk', 'user', deleted=true) }}) as requester on ticket.requester_id = requester.id
    left join rating on ticket.id = rating.ticket_id
    where not coalesce(list_contains(from_json(ticket.tags, '["varchar"]'), 'closed_by_merge'), false)
)

select * from renamed
