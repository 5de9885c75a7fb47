-- One row per won opportunity, but for those won before they were created. Without a day of creation the span is not
-- known.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="cycle_days",
    where="is_won and (cycle_days >= 0 or cycle_days is null)",
) }}
