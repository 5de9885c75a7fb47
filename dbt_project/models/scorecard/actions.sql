-- One row per action that was decided at a review, under the present name of its member.
with action as ({{ with_names(ref('int_actions')) }})

select
    action_id,
    metric,
    business_unit as scope,
    dimension,
    known_member as member,
    what,
    who,
    from_date,
    due,
    progress,
    status,
    expected_effect,
    coalesce(sample, false) as sample,
    source_file,
    source_line,
    source_sha256
from action
