-- One row per opportunity that stayed open longer than the parameter says, for as long as it did.
{{ observations(
    fact="core_opportunity",
    on="created_on + {stale_days}",
    until="closed_on",
    numerator="1",
) }}
