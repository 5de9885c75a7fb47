-- One row per business unit and product that people have placed, under the present name of the product. A product to
-- which two lines give different places has none, and a check names these lines.
with
    given as (
        select
            *,
            min(product_family) over same as first_family,
            max(product_family) over same as last_family,
            min(tier) over same as lowest_tier,
            max(tier) over same as highest_tier,
            min(per_seat) over same as is_always_per_seat,
            max(per_seat) over same as is_ever_per_seat,
            row_number() over (
                partition by business_unit, product
                order by source_system nulls last, source_line nulls last, record_id nulls last
            ) as place
        from {{ ref('int_product_ladder') }}
        window same as (partition by business_unit, product)
    )

select
    business_unit,
    product,
    first_family as product_family,
    lowest_tier as tier,
    is_ever_per_seat as per_seat,
    {{ record('given') }}
from given
where
    place = 1
    and first_family is not distinct from last_family
    and lowest_tier is not distinct from highest_tier
    and is_always_per_seat is not distinct from is_ever_per_seat
