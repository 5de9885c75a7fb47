-- One row per opportunity closed in the period.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="is_won::int",
    where="is_closed",
) }}
