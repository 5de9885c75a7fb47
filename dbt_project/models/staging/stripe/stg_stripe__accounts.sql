-- One row per customer; a deleted one is in it, since what it paid until then is. Stripe knows no industries.
with source as (
    {{ current_rows('stripe', 'customer', deleted=true) }}
),

renamed as (
    select
        id as account_id,
        coalesce(name, email, id) as account_name,
        null::varchar as segment,
        {{ known_as('country', 'country') }} as country,
        {{ provenance('stripe', 'customer', 'id') }}
    from source
)

select * from renamed
