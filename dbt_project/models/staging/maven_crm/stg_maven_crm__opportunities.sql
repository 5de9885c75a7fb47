-- One row per opportunity of the pipeline, which is one unit of one product. A lost deal's value is written as 0 by the
-- source: that is what was earned, not what was lost, so it is no amount.
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
