-- Links of accounts that the named source does not have in the unit.
{{ config(
    severity='warn',
    meta={
        'why': 'A link of an account that nobody holds joins nothing.',
        'cure': 'Write source and id in customer_links.csv as `scorecard dbt show --select core_account` has them, or delete these lines.',
    },
) }}
select
    given.business_unit,
    {{ at_line('given') }} || 'the source ' || given.source || ' has no account ' || given.account_id || '.' as problem
from {{ ref('int_customer_links') }} as given
left join
    {{ ref('core_account') }} as account
    on given.source = account.source_system
    and given.account_id = account.account_id
    and given.business_unit = account.business_unit
where account.account_key is null and given.business_unit not in ({{ units_without_data() }})
