-- One row per line about a product: its family, its tier, and whether it is sold by the seat.
{{ concept('product_ladder') }}
