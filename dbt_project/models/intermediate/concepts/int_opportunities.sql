-- One row per opportunity, open or closed, in its own currency.
{{ concept('opportunities') }}
