-- One row per action decided at a review.
select
    action_id,
    metric,
    scope,
    dimension,
    member,
    what_en,
    what_ja,
    who,
    from_date::date as from_date,
    due::date as due,
    progress::varchar as progress,
    status,
    expected_effect_en,
    expected_effect_ja,
    sample::boolean as sample
from {{ ref('review_actions') }}
