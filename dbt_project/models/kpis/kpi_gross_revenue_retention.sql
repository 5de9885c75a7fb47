-- One row per customer with MRR at the opening of the period.
{{ observations(
    fact="core_customer_period",
    on="closing_on",
    numerator="least(opening_mrr, closing_mrr)",
    denominator="opening_mrr",
    where="opening_mrr > 0",
    evidence="core_subscription",
) }}
