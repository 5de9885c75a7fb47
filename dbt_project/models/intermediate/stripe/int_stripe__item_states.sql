{{ config(enabled=is_service('stripe')) }}
-- One row per item of a subscription and moment from which it was different. The record of an item says what it is now.
-- The lines of invoices say what it was: one line for a period, and one for each change within it. A credit of a change
-- that has no charge says that the item was removed. A change without a line counts from when it was first seen.
with
    subscription as ({{ current_rows('stripe', 'subscription') }}),

    item as ({{ current_rows('stripe', 'subscription_item') }}),

    line as (
        select
            line._source_system,
            line.id,
            line.invoice_id,
            line.subscription_item as item_id,
            subscription.id as subscription_id,
            line.price_id,
            line.product,
            coalesce(line.quantity_decimal, line.quantity) as quantity,
            line.amount,
            line.period_start,
            line.period_end,
            line._source_file,
            line._source_line,
            line._source_sha256,
            line._valid_from,
            -- An amount that is not a number makes the line's price unknown, and the build of all units goes on.
            case
                when line.discount_amounts is null then 0 else {{ json_sum('line.discount_amounts', 'amount') }}
            end as discount,
            {{ inclusive_tax('line.taxes') }} as tax,
            case
                when not coalesce(line.proration, false) then 'period' when line.amount < 0 then 'credit' else 'change'
            end as kind,
            -- An invoice that is made while collection is paused is void, stays a draft, or is given up as soon as it
            -- is issued.
            coalesce(
                invoice.status = 'void'
                or (invoice.status = 'draft' and subscription.paused_behavior = 'keep_as_draft')
                or (
                    invoice.status = 'uncollectible' and invoice.marked_uncollectible_at < invoice.finalized_at + 86400
                ),
                false
            ) as is_paused,
            invoice.created as invoiced_at
        from ({{ current_rows('stripe', 'invoice_line') }}) as line
        inner join
            ({{ current_rows('stripe', 'invoice') }}) as invoice
            on line.invoice_id = invoice.id
            and line._source_system = invoice._source_system
        inner join
            subscription
            on coalesce(line.subscription, invoice.subscription) = subscription.id
            and line._source_system = subscription._source_system
        where line.subscription_item is not null
    ),

    summed as (
        -- A tiered price has several lines of one item and period. Among invoices of one period, the one that counts is
        -- first.
        select
            _source_system,
            id,
            item_id,
            subscription_id,
            price_id,
            product,
            case when count(quantity) over tiers = count(*) over tiers then sum(quantity) over tiers end as quantity,
            (sum(amount) over tiers)::decimal(38, 8) as amount,
            case when count(discount) over tiers = count(*) over tiers then sum(discount) over tiers end as discount,
            case when count(tax) over tiers = count(*) over tiers then sum(tax) over tiers end as tax,
            period_start,
            period_end,
            kind,
            is_paused,
            _source_file,
            _source_line,
            _source_sha256,
            _valid_from
        from line
        window tiers as (partition by _source_system, item_id, period_start, kind, invoice_id)
        qualify
            row_number() over (
                partition by _source_system, item_id, period_start
                order by
                    kind = 'credit' asc nulls last,
                    is_paused asc nulls last,
                    kind = 'period' asc nulls last,
                    invoiced_at desc nulls last,
                    id asc nulls last
            )
            = 1
    ),

    told as (
        select
            item_id,
            subscription_id,
            price_id,
            product,
            quantity,
            kind,
            {{ moment_of_seconds('period_start') }} as from_at,
            {{ moment_of_seconds('period_end') }} as until_at,
            amount,
            discount,
            tax,
            is_paused,
            {{ provenance('stripe', 'invoice_line', 'id') }}
        from summed
    ),

    -- The moment since which an item has been seen with its price and quantity.
    seen as (
        select _source_system, id, max(_valid_from) filter (where is_new) as at
        from
            (
                select
                    _source_system,
                    id,
                    _valid_from,
                    (price_id, quantity) is distinct from lag((price_id, quantity)) over (
                        partition by _source_system, id order by _valid_from nulls last
                    ) as is_new
                from {{ raw('stripe', 'subscription_item') }}
            )
        group by _source_system, id
    ),

    newest as (
        select *
        from told
        qualify row_number() over (partition by source_system, item_id order by from_at desc nulls last) = 1
    ),

    untold as (
        select
            item.id as item_id,
            item.subscription_id,
            item.price_id,
            item.product,
            item.quantity,
            'seen' as kind,
            case
                when newest.item_id is null then {{ moment_of_seconds('item.current_period_start') }} else seen.at
            end as from_at,
            {{ moment_of_seconds('item.current_period_end') }} as until_at,
            null::decimal(38, 8) as amount,
            null::decimal(38, 8) as discount,
            null::decimal(38, 8) as tax,
            false as is_paused,
            {{ provenance('stripe', 'subscription_item', 'item.id', 'item') }}
        from item
        inner join
            subscription on item.subscription_id = subscription.id and item._source_system = subscription._source_system
        inner join seen on item.id = seen.id and item._source_system = seen._source_system
        left join newest on item.id = newest.item_id and item._source_system = newest.source_system
        where
            subscription.ended_at is null
            and (
                newest.item_id is null
                or (newest.price_id, newest.quantity) is distinct from (item.price_id, item.quantity)
            )
            and (newest.item_id is null or seen.at > newest.from_at)
    ),

    unioned as (
        select *
        from told
        union all
        select *
        from untold
    ),

    -- A change within a period takes pauses and discounts from the item in that period, or else from the other items.
    placed as (
        select
            *,
            case
                when kind = 'period' and amount > 0 then {{ struct_of(['is_paused', 'amount', 'discount', 'tax']) }}
            end as own,
            coalesce(
                {{ last_known('own') }} over (partition by source_system, item_id order by from_at nulls last),
                {{ last_known('own') }} over (
                    partition by source_system, subscription_id
                    order by from_at nulls last, kind <> 'period' nulls last, item_id nulls last
                )
            ) as period
        from unioned
    )

select
    item_id,
    subscription_id,
    price_id,
    product,
    quantity,
    kind,
    from_at,
    until_at,
    amount,
    discount,
    tax,
    case when kind = 'period' then is_paused else coalesce(period.is_paused, is_paused) end as is_paused,
    source_system,
    source_object,
    record_id,
    source_file,
    source_line,
    source_sha256,
    loaded_at,
    period.amount as period_amount,
    period.discount as period_discount,
    period.tax as period_tax
from placed
