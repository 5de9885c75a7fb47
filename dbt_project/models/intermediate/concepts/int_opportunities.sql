-- One row per opportunity, open or closed, in the currency it was made in.
{{ concept('opportunities') }}
