-- Targets of the same metric, period and member.
{{ config(
    severity='error',
    meta={
        'why': 'Two targets of one metric, period and member contradict each other.',
        'cure': 'Delete all but one: a member has one target, whatever it was called before.',
    },
) }}
with
    repeated as (
        select record_id, count(*) as times from {{ ref('core_target') }} group by record_id having count(*) > 1
    )

    {{ fail_by_name('repeated', "'Target ' || record_id || ' is given ' || times || ' times.'") }}
