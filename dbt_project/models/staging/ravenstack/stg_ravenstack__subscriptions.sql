-- One row per subscription. The source's amount is monthly for every billing frequency: a test compares it with a
-- twelfth of the yearly amount. A flag says that somebody cancelled. An end without the flag is a lapse, which may be
-- renewed.
with
    source as ({{ current_rows('ravenstack', 'subscriptions') }}),

    renamed as (
        select
            subscription_id,
            account_id,
            plan_tier as product,
            start_date as started_on,
            end_date as ended_on,
            {{ end_kind('end_date', 'churn_flag') }} as end_kind,
            seats,
            mrr_amount::decimal(24, 8) as monthly_amount,
            arr_amount::decimal(24, 8) as yearly_amount,
            is_trial,
            billing_frequency,
            churn_flag as is_flagged_as_churned,
            {{ provenance('ravenstack', 'subscriptions', 'subscription_id') }}
        from source
    )

select *
from renamed
