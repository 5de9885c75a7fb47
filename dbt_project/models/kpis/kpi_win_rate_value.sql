-- One row per opportunity closed in the period, weighed by its amount.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="case when is_won then amount else 0 end",
    denominator="amount",
    where="is_closed",
) }}
