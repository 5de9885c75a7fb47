-- One row per customer and month in which its MRR changed.
{{ observations(
    fact="core_mrr_movement",
    on="moved_on",
    numerator="amount",
    per="moved_on",
    evidence="core_subscription",
) }}
