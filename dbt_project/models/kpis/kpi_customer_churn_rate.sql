-- One row per customer (and, by product, per customer of the product) at the start of the period.
{{ observations(
    fact="core_customer_period",
    on="closing_on",
    numerator="was_lost::int",
    where="was_active",
    settles="settles_on",
    evidence="core_subscription",
) }}
