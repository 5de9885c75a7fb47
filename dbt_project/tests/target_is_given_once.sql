-- Targets of the same metric, period and member.
{{ config(
    severity='error',
    meta={
        'why': 'Two targets of one metric, period and member contradict each other.',
        'cure': 'Delete all but one in dbt_project/seeds/targets.csv.',
        'ja': {
            'name': '目標が一つだけ定められている',
            'why': '同じ指標、期間、対象に二つの目標があり矛盾する。',
            'cure': 'dbt_project/seeds/targets.csv で一つを残して削除する。',
        },
    },
) }}
with repeated as (
    select record_id, count(*) as times
    from {{ ref('core_target') }}
    group by record_id
    having count(*) > 1
)

{{ fail_by_name('repeated', "'Target ' || record_id || ' is given ' || times || ' times.'") }}
