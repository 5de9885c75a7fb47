-- One row per sales rep.
{{ concept('reps') }}
