-- One row per opportunity of the pipeline, which is one unit of one product. The source writes the value of a lost deal
-- as 0. That is what was earned, not what was lost, so the amount is null.
with
    source as ({{ current_rows('maven_crm', 'sales_pipeline') }}),

    renamed as (
        select
            opportunity_id,
            sales_agent as rep,
            product,
            account as account_id,
            lower(deal_stage) as stage,
            engage_date as created_on,
            close_date as closed_on,
            case when deal_stage = 'Won' then close_value end::decimal(24, 8) as amount,
            1 as quantity,
            {{ provenance('maven_crm', 'sales_pipeline', 'opportunity_id') }}
        from source
    )

select *
from renamed
