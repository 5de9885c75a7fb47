-- One row per won line; a source without lines has one per opportunity.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="quantity",
    where="is_won",
) }}
