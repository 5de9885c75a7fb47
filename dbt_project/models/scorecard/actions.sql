-- One row per action decided at a review, under the name that its member has now.
select
    given.action_id,
    given.metric,
    given.business_unit as scope,
    given.dimension,
    {{ name_of('given.member') }} as member,
    given.what,
    given.who,
    given.from_date,
    given.due,
    given.progress,
    given.status,
    given.expected_effect,
    coalesce(given.sample, false) as sample,
    given.source_file,
    given.source_line,
    given.source_sha256
from {{ ref('int_actions') }} as given
left join {{ ref('int_names') }} as named on {{ is_named('given') }}
