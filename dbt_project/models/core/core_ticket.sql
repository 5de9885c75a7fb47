-- One row per support ticket.
with ticket as (
    select
        * exclude (closed_local),
        closed_local at time zone '{{ var("timezone") }}' as closed_at,
        {{ source_meta('ravenstack', 'business_unit') }} as business_unit
    from {{ ref('stg_ravenstack__tickets') }}
    {{- and_of_services('tickets') }}
)

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
from ticket
left join {{ ref('core_account') }} as account
    on ticket.source_system || ':' || ticket.account_id = account.account_key
