-- One row per ticket that was answered.
{{ observations(
    fact="core_ticket",
    on="submitted_on",
    numerator="first_response_minutes",
    where="first_response_minutes is not null",
) }}
