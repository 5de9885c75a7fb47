-- One row per opportunity created in the period.
{{ observations(
    fact="core_opportunity",
    on="created_on",
    numerator="is_won::int",
) }}
