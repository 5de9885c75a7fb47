-- One row per won opportunity.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="amount",
    where="is_won",
) }}
