-- One row per opportunity and period at whose end it was open.
{{ observations(
    fact="core_open_deal",
    on="closing_on",
    numerator="age_days",
) }}
