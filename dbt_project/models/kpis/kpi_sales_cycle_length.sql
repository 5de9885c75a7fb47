-- One row per won opportunity with a span of 0 days or more.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="cycle_days",
    where="is_won and cycle_days >= 0",
) }}
