-- One row per customer with MRR twelve months before the end of the period.
{{ observations(
    fact="core_customer_period",
    on="closing_on",
    numerator="closing_mrr",
    denominator="year_ago_mrr",
    where="year_ago_mrr is null or year_ago_mrr > 0",
    evidence="core_subscription",
) }}
