{{ config(enabled=is_service('salesforce')) }}
-- One row per opportunity. Its product is that of its most valuable line. It was closed when its history says that it
-- came to its present stage: people edit the close date. The number of units is not known for an opportunity without
-- lines.
with
    opportunity as ({{ current_rows('salesforce', 'opportunity') }}),

    line as (
        select
            _source_system,
            opportunity_id,
            {{ most_valuable('product2_id', 'total_price') }} as product2_id,
            ({{ sum_if_known('quantity') }})::decimal(38, 8) as quantity
        from ({{ current_rows('salesforce', 'opportunity_line_item') }})
        group by _source_system, opportunity_id
    ),

    step as (
        select
            _source_system,
            opportunity_id,
            created_date,
            stage_name is distinct from lag(stage_name) over (
                partition by _source_system, opportunity_id order by created_date nulls last, id nulls last
            ) as is_new_stage
        from ({{ current_rows('salesforce', 'opportunity_history') }})
    ),

    entered as (
        select _source_system, opportunity_id, max(created_date) filter (where is_new_stage) as at
        from step
        group by _source_system, opportunity_id
    ),

    renamed as (
        select
            opportunity.id as opportunity_id,
            owner.rep,
            product.name as product,
            opportunity.account_id,
            case
                when opportunity.is_won
                then 'won'
                when opportunity.is_closed
                then 'lost'
                else lower(opportunity.stage_name)
            end as stage,
            {{ local_day('opportunity.created_date') }} as created_on,
            coalesce({{ local_day('entered.at') }}, opportunity.close_date) as closed_on,
            case when opportunity.is_closed then opportunity.amount end::decimal(24, 8) as amount,
            line.quantity,
            opportunity.currency_iso_code as currency,
            {{ provenance('salesforce', 'opportunity', 'opportunity.id', 'opportunity') }}
        from opportunity
        left join
            {{ ref('stg_salesforce__reps') }} as owner
            on opportunity.owner_id = owner.record_id
            and opportunity._source_system = owner.source_system
        left join line on opportunity.id = line.opportunity_id and opportunity._source_system = line._source_system
        left join
            ({{ current_rows('salesforce', 'product2') }}) as product
            on line.product2_id = product.id
            and line._source_system = product._source_system
        left join
            entered
            on opportunity.id = entered.opportunity_id
            and opportunity._source_system = entered._source_system
            and opportunity.is_closed
    )

select *
from renamed
