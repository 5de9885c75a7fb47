-- One row per customer account and subscription of it. The subscriptions decide the account's MRR, and whether it was
-- lost.
select distinct
    account.source_system,
    account.source_object,
    account.record_id,
    'subscription' as role,
    subscription.source_object as evidence_object,
    subscription.record_id as evidence_id,
    subscription.source_file as evidence_file,
    subscription.source_line as evidence_line
from {{ ref('core_account') }} as account
inner join {{ ref('core_subscription') }} as subscription on account.account_key = subscription.account_key
