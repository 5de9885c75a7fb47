-- One row per subscription item, from its start to its end.
{{ observations(
    fact="core_subscription",
    on="started_on",
    until="ended_on",
    numerator="mrr",
) }}
