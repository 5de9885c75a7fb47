-- One row per customer: its first won deal.
{{ observations(
    fact="core_new_customer",
    on="started_on",
    numerator="1",
) }}
