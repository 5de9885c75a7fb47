-- One row per survey response.
{{ observations(
    fact="core_ticket",
    on="closed_on",
    at="closed_at",
    numerator="(satisfaction_score >= 4)::int",
    where="satisfaction_score is not null",
) }}
