{{ config(enabled=is_service('hubspot')) }}
-- One row per deal. Its stage's pipeline says whether it is won or lost. It was closed when its history says that it
-- came to its present stage: people edit the close date. Its product is that of its most valuable line. The number of
-- units is not known for a deal without lines.
with
    deal as ({{ current_rows('hubspot', 'deal') }}),

    line as (
        select
            _source_system,
            deal_id,
            {{ most_valuable('name', 'amount') }} as product,
            ({{ sum_if_known('quantity') }})::decimal(38, 8) as quantity
        from ({{ current_rows('hubspot', 'line_item') }})
        group by _source_system, deal_id
    ),

    step as (
        select
            _source_system,
            deal_id,
            stage,
            changed_at,
            lag(stage) over (partition by _source_system, deal_id order by changed_at nulls last)
            is distinct from stage as is_new_stage
        from ({{ current_rows('hubspot', 'deal_stage_history') }})
    ),

    entered as (select _source_system, deal_id, stage, max(changed_at) as at from step where is_new_stage group by all),

    judged as (
        select
            deal._source_system,
            deal.id,
            coalesce(merger.into_id, deal.company_id) as account_id,
            case
                when coalesce(stage.is_closed and stage.probability = 1, deal.is_won)
                then 'won'
                when coalesce(stage.is_closed, deal.is_closed)
                then 'lost'
                -- The label does not decide: an open stage may be called "Won".
                when lower(coalesce(stage.label, deal.stage)) not in ('won', 'lost')
                then lower(coalesce(stage.label, deal.stage))
                else 'open'
            end as outcome
        from deal
        left join
            ({{ current_rows('hubspot', 'pipeline_stage') }}) as stage
            on deal.pipeline_id = stage.pipeline_id
            and deal.stage = stage.id
            and deal._source_system = stage._source_system
        left join
            ({{ merged_records('hubspot', 'company') }}) as merger
            on deal.company_id = merger.merged_id
            and deal._source_system = merger._source_system
    ),

    renamed as (
        select
            deal.id as opportunity_id,
            owner.rep,
            line.product,
            judged.account_id,
            judged.outcome as stage,
            {{ local_day('deal.created_at') }} as created_on,
            coalesce({{ local_day('entered.at') }}, {{ local_day('deal.close_date') }}) as closed_on,
            case when judged.outcome in ('won', 'lost') then deal.amount end::decimal(24, 8) as amount,
            line.quantity,
            upper(deal.currency) as currency,
            {{ provenance('hubspot', 'deal', 'deal.id', 'deal') }}
        from deal
        inner join judged on deal.id = judged.id and deal._source_system = judged._source_system
        left join
            {{ ref('stg_hubspot__reps') }} as owner
            on deal.owner_id = owner.record_id
            and deal._source_system = owner.source_system
        left join line on deal.id = line.deal_id and deal._source_system = line._source_system
        left join
            entered
            on deal.id = entered.deal_id
            and deal.stage = entered.stage
            and deal._source_system = entered._source_system
            and judged.outcome in ('won', 'lost')
    )

select *
from renamed
