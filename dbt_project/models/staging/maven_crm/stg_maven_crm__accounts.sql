-- One row per customer account.
with source as (
    {{ current_rows('maven_crm', 'accounts') }}
),

renamed as (
    select
        account as account_id,
        account as account_name,
        {{ known_as('sector', 'sector') }} as segment,
        {{ known_as('country', 'office_location') }} as country,
        {{ provenance('maven_crm', 'accounts', 'account') }}
    from source
)

select * from renamed
