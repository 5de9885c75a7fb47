-- One row per churn event of the source. They contradict the subscription periods, so no metric uses them, and a check
-- counts the contradictions.
with
    source as ({{ current_rows('ravenstack', 'churn_events') }}),

    renamed as (
        select
            churn_event_id,
            account_id,
            churn_date as churned_on,
            reason_code,
            is_reactivation,
            {{ provenance('ravenstack', 'churn_events', 'churn_event_id') }}
        from source
    )

select *
from renamed
