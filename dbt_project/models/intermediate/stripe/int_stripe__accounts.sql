{{ config(enabled=is_service('stripe')) }}
-- One row per customer. Deleted customers are in it, since what they paid until then counts. A customer who was deleted
-- before the first extraction is known from its subscriptions only. Stripe has no industries.
with
    source as ({{ current_rows('stripe', 'customer', deleted=true) }}),

    listed as (
        select
            id as account_id,
            coalesce(name, email, id) as account_name,
            null::string as segment,
            country,
            {{ provenance('stripe', 'customer', 'id') }}
        from source
    ),

    told as (
        select
            customer as account_id,
            customer as account_name,
            null::string as segment,
            null::string as country,
            {{ provenance('stripe', 'subscription', 'id') }}
        from ({{ current_rows('stripe', 'subscription') }}) as subscription
        where
            not exists (
                select 1
                from source
                where source.id = subscription.customer and source._source_system = subscription._source_system
            )
        qualify
            row_number() over (partition by _source_system, customer order by created asc nulls last, id asc nulls last)
            = 1
    )

select *
from listed
union all
select *
from told
