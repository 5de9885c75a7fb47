-- One row per opportunity that stayed open longer than the parameter says, for as long as it did.
{% set stale = metric_parameter('kpi_zombie_deals', 'stale_days') %}
{{ observations(
    fact="core_opportunity",
    on="created_on + " ~ stale,
    until="closed_on",
    numerator="1",
) }}
