-- One row per sales rep, with the team (named after its manager) and the region.
with
    source as ({{ current_rows('maven_crm', 'sales_teams') }}),

    renamed as (
        select
            sales_agent as rep,
            manager as team,
            regional_office as region,
            {{ provenance('maven_crm', 'sales_teams', 'sales_agent') }}
        from source
    )

select *
from renamed
