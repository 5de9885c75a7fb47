-- One row per won opportunity with a value; renewals of no value are left out.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="amount",
    where="is_won and amount > 0",
) }}
