-- Targets with an unknown period, or due on another day than its last.
{{ config(
    severity='error',
    meta={
        'why': 'A target has a period, and is due on its last day.',
        'cure': 'Correct the period or the due day in targets.csv of the unit, in the folder company.',
    },
) }}
with
    unbound as (
        select
            record_id,
            case
                when period_start is null
                then period || ' is no period within the calendar'
                else
                    'due '
                    || coalesce(due::string, 'never')
                    || ', its period ends on '
                    || {{ add_days('period_end', -1) }}::string
            end as problem
        from {{ ref('core_target') }}
        where
            (period_start is null or due is distinct from {{ add_days('period_end', -1) }})
            and coalesce(scope, '') not in ({{ units_without_data() }})
    )

    {{ fail_by_name('unbound', "'Target ' || record_id || ': ' || problem || '.'") }}
