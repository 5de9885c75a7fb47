{{ config(enabled=is_service('stripe')) }}
-- One row per item of a subscription and stretch of days in which it was the same. Invoices say what it was in the past
-- (int_stripe__item_states). Amounts are by the month, after discounts and without tax. They are 0 while the item is
-- paused or billed by usage. If a price includes a tax of which no amount is known, the amount is not known. Stripe
-- renews by itself, so an end is never a lapse: somebody cancelled, or dunning gave up. A subscription that dunning
-- left unpaid has ended on the day on which that was first seen.
with
    unpaid as (
        select _source_system, id, max(_valid_from) filter (where is_new) as since
        from
            (
                select
                    _source_system,
                    id,
                    status,
                    _valid_from,
                    coalesce(
                        status <> lag(status) over (partition by _source_system, id order by _valid_from nulls last),
                        true
                    ) as is_new
                from {{ raw('stripe', 'subscription') }}
            )
        where status = 'unpaid'
        group by _source_system, id
    ),

    subscription as (
        select
            listed._source_system,
            listed.id,
            customer,
            start_date,
            {{ moment_of_seconds('start_date') }} as start_at,
            {{ moment_of_seconds('trial_end') }} as trial_end_at,
            coalesce({{ moment_of_seconds('ended_at') }}, case when status = 'unpaid' then unpaid.since end) as end_at,
            coalesce(automatic_tax, true) as may_be_taxed,
            default_tax_rates,
            discounts,
            upper(currency) as code,
            _source_file,
            _source_line,
            _source_sha256,
            _valid_from
        from ({{ current_rows('stripe', 'subscription') }}) as listed
        left join unpaid on listed.id = unpaid.id and listed._source_system = unpaid._source_system
        where status not in ('incomplete', 'incomplete_expired')
    ),

    -- A price never changes its amount. A price that was written inline is in the items only.
    price as (
        select _source_system, id, unit_amount_decimal, interval, interval_count, tax_behavior
        from {{ raw('stripe', 'price') }}
        union
        select _source_system, price_id, unit_amount_decimal, interval, interval_count, tax_behavior
        from {{ raw('stripe', 'subscription_item') }}
    ),

    priced as (
        select
            _source_system,
            id,
            try_cast(max(unit_amount_decimal) as decimal(24, 12)) as unit_amount,
            any_value(
                case interval when 'year' then 12 when 'week' then 84 when 'day' then 12 else 1 end * interval_count
            ) as parts,
            any_value(case when interval in ('week', 'day') then 365 else 1 end) as times,
            -- A price gets its tax behavior once and keeps it.
            coalesce(bool_or(tax_behavior = 'inclusive'), false) as includes_tax,
            coalesce(bool_or(tax_behavior = 'exclusive'), false) as excludes_tax
        from price
        where interval is not null
        group by _source_system, id
    ),

    metered as (
        select distinct _source_system, id from {{ raw('stripe', 'subscription_item') }} where quantity is null
    ),

    state as (
        select *, lead(from_at) over (partition by source_system, item_id order by from_at nulls last) as next_at
        from {{ ref('int_stripe__item_states') }}
    ),

    -- Whole units and the fraction of one are multiplied separately: together they would have more than 38 digits.
    charged as (
        select
            state.*,
            priced.parts,
            priced.times,
            coalesce(priced.includes_tax, false) as includes_tax,
            coalesce(priced.excludes_tax, false) as excludes_tax,
            try_cast(
                priced.unit_amount * try_cast({{ whole_part('state.quantity') }} as decimal(13, 0))
                + (priced.unit_amount * (state.quantity % 1)::decimal(9, 8))::decimal(26, 12) as decimal(30, 8)
            ) as full_price
        from state
        left join priced on state.price_id = priced.id and state.source_system = priced._source_system
    ),

    billed as (
        select
            state.*,
            subscription.customer,
            subscription.code,
            subscription.trial_end_at,
            subscription.end_at,
            item.id is not null and state.next_at is null as goes_on,
            metered.id is not null as is_metered,
            case
                when state.kind = 'period'
                then state.amount - state.discount
                when state.period_amount <> 0
                then
                    {{ exact_part(
                    'state.full_price', 'state.period_amount - state.period_discount', 'state.period_amount'
                ) }}
                -- For what was never billed, no line says what discounts leave of the price.
                when
                    {{ json_length('item.discounts') }} = 0
                    and {{ json_length('subscription.discounts') }} = 0
                    and customer.id is not null
                    and customer.discount_id is null
                then state.full_price
            end as discounted,
            subscription.may_be_taxed,
            coalesce(
                {{ inclusive_percent('item.tax_rates') }}, {{ inclusive_percent('subscription.default_tax_rates') }}
            ) as percent
        from charged as state
        inner join
            subscription
            on state.subscription_id = subscription.id
            and state.source_system = subscription._source_system
        left join
            ({{ current_rows('stripe', 'subscription_item') }}) as item
            on state.item_id = item.id
            and state.source_system = item._source_system
        left join
            ({{ current_rows('stripe', 'customer', deleted=true) }}) as customer
            on subscription.customer = customer.id
            and subscription._source_system = customer._source_system
        left join metered on state.item_id = metered.id and state.source_system = metered._source_system
        where state.kind <> 'credit' and (subscription.end_at is null or state.from_at < subscription.end_at)
    ),

    -- A line says its tax, and the line of a period says what is left of the price of a change. Without lines, the tax
    -- rates of the item say it.
    netted as (
        select
            *,
            case
                when kind = 'period' and tax is not null
                then discounted - tax
                when kind = 'change' and tax = 0
                then discounted
                when kind = 'seen' and percent is not null
                then {{ exact_part('discounted', '100', '100 + percent') }}
                when period_tax <> 0 and kind <> 'period' and not excludes_tax
                then
                    {{ exact_part(
                'discounted', 'period_amount - period_discount - period_tax', 'period_amount - period_discount'
            ) }}
                when kind = 'change' and tax <> 0
                then {{ exact_part('discounted', 'amount - tax', 'amount') }}
                when percent is not null
                then {{ exact_part('discounted', '100', '100 + percent') }}
                when not (includes_tax and may_be_taxed)
                then discounted
            end as net
        from billed
    ),

    known as (
        select
            record_id as subscription_id,
            customer as account_id,
            netted.product as product_id,
            {{ local_day('from_at') }} as started_on,
            {{ local_day('least(next_at, end_at, case when not goes_on then until_at end)') }} as ended_on,
            case
                when is_paused or is_metered
                then 0
                else {{ exact_ratio(major_units('net', 'code') ~ ' * times', 'parts') }}
            end as monthly_amount,
            coalesce(from_at < trial_end_at, false) as is_trial,
            code as currency,
            source_system,
            source_object,
            record_id,
            source_file,
            source_line,
            source_sha256,
            loaded_at
        from netted
    ),

    told as (
        select source_system, subscription_id, min(from_at) as since
        from {{ ref('int_stripe__item_states') }}
        group by source_system, subscription_id
    ),

    oldest as (
        select _source_system, min(created) as invoiced
        from ({{ current_rows('stripe', 'invoice') }})
        group by _source_system
    ),

    -- A subscription is not known before the oldest invoice that was extracted.
    unknown as (
        select
            subscription.id as subscription_id,
            subscription.customer as account_id,
            null::string as product_id,
            {{ local_day('subscription.start_at') }} as started_on,
            {{ local_day('coalesce(told.since, subscription.end_at)') }} as ended_on,
            null::decimal(38, 8) as monthly_amount,
            false as is_trial,
            subscription.code as currency,
            {{ provenance('stripe', 'subscription', 'subscription.id', 'subscription') }}
        from subscription
        inner join
            oldest on subscription._source_system = oldest._source_system and subscription.start_date < oldest.invoiced
        left join told on subscription.id = told.subscription_id and subscription._source_system = told.source_system
    ),

    unioned as (
        select *
        from known
        union all
        select *
        from unknown
        where started_on < ended_on or ended_on is null
    ),

    renamed as (
        select
            unioned.subscription_id,
            unioned.account_id,
            product.name as product,
            unioned.started_on,
            unioned.ended_on,
            {{ end_kind('unioned.ended_on', 'true') }} as end_kind,
            try_cast(unioned.monthly_amount as decimal(24, 8)) as monthly_amount,
            unioned.is_trial,
            unioned.currency,
            unioned.source_system,
            unioned.source_object,
            unioned.record_id,
            unioned.source_file,
            unioned.source_line,
            unioned.source_sha256,
            unioned.loaded_at
        from unioned
        left join
            ({{ current_rows('stripe', 'product', deleted=true) }}) as product
            on unioned.product_id = product.id
            and unioned.source_system = product._source_system
    )

select *
from renamed
