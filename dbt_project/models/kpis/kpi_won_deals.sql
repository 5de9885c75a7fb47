-- One row per won opportunity.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="1",
    where="is_won",
) }}
