-- One row per subscription. The source's amount is monthly for every billing frequency (a test holds it to a twelfth
-- of the yearly amount).
with source as (
    {{ current_rows('ravenstack', 'subscriptions') }}
),

renamed as (
    select
        subscription_id,
        account_id,
        plan_tier as product,
        start_date as started_on,
        end_date as ended_on,
        seats,
        mrr_amount as monthly_amount,
        arr_amount as yearly_amount,
        is_trial,
        billing_frequency,
        churn_flag as is_flagged_as_churned,
        {{ provenance('ravenstack', 'subscriptions', 'subscription_id') }}
    from source
)

select * from renamed
