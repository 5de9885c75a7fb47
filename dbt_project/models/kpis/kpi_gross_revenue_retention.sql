-- One row per customer with MRR at the opening of the period.
{{ observations(
    fact="core_customer_period",
    on="closing_on",
    numerator="case when opening_mrr is not null and closing_mrr is not null then least(opening_mrr, closing_mrr) end",
    denominator="opening_mrr",
    where="opening_mrr is null or opening_mrr > 0",
    evidence="core_subscription",
) }}
