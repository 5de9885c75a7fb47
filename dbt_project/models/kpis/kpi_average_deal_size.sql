-- One row per won opportunity; renewals of no value are left out, a value that isn't known is not.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="amount",
    where="is_won and (amount is null or amount > 0)",
) }}
