-- One row per won line; an opportunity of the source is one unit of one product.
{{ observations(
    fact="core_opportunity",
    on="closed_on",
    numerator="1",
    where="is_won",
) }}
