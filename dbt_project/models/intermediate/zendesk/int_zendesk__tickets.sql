{{ config(enabled=is_service('zendesk')) }}
-- One row per ticket. It is closed when it was last solved, unless it was opened again since. A ticket that was merged
-- into another one is left out, since it is no request of its own.
with
    ticket as ({{ current_rows('zendesk', 'ticket') }}),

    rating as (
        select _source_system, ticket_id, {{ value_at_max('score', ['updated_at', 'id']) }} as score
        from ({{ current_rows('zendesk', 'satisfaction_rating') }})
        where score in ('good', 'bad')
        group by _source_system, ticket_id
    ),

    -- The current survey has scales of two to five points. Good scores are 4 and 5.
    rated as (
        select
            *,
            case
                rating_category when 'good' then greatest(coalesce(rating, 5), 4) else least(coalesce(rating, 1), 3)
            end as points
        from ({{ current_rows('zendesk', 'survey_answer') }})
        where question_sub_type = 'customer_satisfaction' and rating_category in ('good', 'neutral', 'bad')
    ),

    answer as (
        select
            _source_system,
            try_cast(regexp_extract(subject_zrns, 'zen:ticket:([0-9]+)', 1) as bigint) as ticket_id,
            {{ value_at_max('points', ['updated_at', 'survey_response_id']) }} as score
        from rated
        group by _source_system, ticket_id
    ),

    renamed as (
        select
            ticket.id::string as ticket_id,
            coalesce(ticket.organization_id, requester.organization_id)::string as account_id,
            {{ local_day('ticket.created_at') }} as submitted_on,
            case when ticket.status in ('solved', 'closed') then ticket.solved_at end as closed_at,
            ticket.first_reply_minutes as first_response_minutes,
            coalesce(
                answer.score,
                case coalesce(rating.score, ticket.satisfaction_score) when 'good' then 5 when 'bad' then 1 end
            )::decimal(24, 8) as satisfaction_score,
            case ticket.priority when 'normal' then 'medium' else ticket.priority end as priority,
            {{ provenance('zendesk', 'ticket', 'ticket.id::string', 'ticket') }}
        from ticket
        left join
            ({{ current_rows('zendesk', 'user', deleted=true) }}) as requester
            on ticket.requester_id = requester.id
            and ticket._source_system = requester._source_system
        left join rating on ticket.id = rating.ticket_id and ticket._source_system = rating._source_system
        left join answer on ticket.id = answer.ticket_id and ticket._source_system = answer._source_system
        where not coalesce({{ json_has('ticket.tags', 'closed_by_merge') }}, false)
    )

select *
from renamed
