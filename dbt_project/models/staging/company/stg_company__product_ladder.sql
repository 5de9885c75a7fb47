-- One row per line about a product: its family, its tier, and whether it is sold by the seat.
with
    source as ({{ current_rows('company', 'product_ladder') }}),

    named as (
        select product, product_family, tier, per_seat, {{ provenance('company', 'product_ladder', '_line_key') }}
        from source
    )

select *
from named
