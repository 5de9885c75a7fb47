-- One row per action decided at a review.
select
    action_id,
    metric,
    scope,
    dimension,
    member,
    what,
    who,
    from_date::date as from_date,
    due::date as due,
    progress::string as progress,
    status,
    expected_effect,
    sample::boolean as sample
from {{ ref('review_actions') }}
