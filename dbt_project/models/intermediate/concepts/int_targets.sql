-- One row per target: metric, period and member.
{{ concept('targets') }}
