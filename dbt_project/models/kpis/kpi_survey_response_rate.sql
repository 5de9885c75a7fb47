-- One row per closed ticket.
{{ observations(
    fact="core_ticket",
    on="closed_on",
    at="closed_at",
    numerator="(satisfaction_score is not null)::int",
) }}
