-- One row per action that was decided at a review.
with
    source as ({{ current_rows('company', 'actions') }}),

    named as (
        select
            action_id,
            metric,
            dimension,
            member,
            what,
            who,
            from_date,
            due,
            progress,
            status,
            expected_effect,
            sample,
            {{ provenance('company', 'actions', "action_id") }}
        from source
    )

select *
from named
