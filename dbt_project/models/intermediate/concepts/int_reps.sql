-- One row per sales rep.
{{ concept('reps', one_per='rep') }}
