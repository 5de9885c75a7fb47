-- One row per customer, grain and run of periods, [period_start, period_until), in which its subscriptions and its MRR
-- at the opening, at the closing and a year before the closing stay the same. `period_until` is null where the run goes
-- on. A period in which the customer was lost is a run of its own. A row with a product is the customer's holding of
-- that product, and counts for the product only.
with
    holder as (
        select
            row_number() over (order by holding.account_key nulls last, holding.product nulls last) as holder_id,
            holding.account_key,
            holding.product,
            horizon.last_on
        from (select distinct account_key, product from {{ ref('core_holding') }}) as holding
        inner join {{ ref('core_account') }} as account on holding.account_key = account.account_key
        inner join {{ ref('core_horizon') }} as horizon on account.business_unit = horizon.business_unit
    ),

    holding as (
        select
            holder.holder_id,
            holder.product,
            holder.last_on,
            held.from_on,
            coalesce(held.until_on, cast('9999-12-31' as date)) as end_on,
            held.active_subscriptions,
            held.mrr
        from {{ ref('core_holding') }} as held
        inner join
            holder
            on held.account_key = holder.account_key
            and coalesce(held.product, '') = coalesce(holder.product, '')
    ),

    period as (
        select
            grain,
            period_start,
            period_end,
            {{ add_days('period_start', -1) }} as opening_on,
            {{ add_days('period_end', -1) }} as closing_on,
            -- Days and weeks look back twelve months from their last day. Longer periods look back from their end, so
            -- that the last day of February is met in every year.
            case
                when grain in ('day', 'week')
                then {{ add_months(add_days('period_end', -1), -12) }}
                else {{ add_days(add_months('period_end', -12), -1) }}
            end as year_ago_on
        from {{ ref('core_period') }}
    ),

    -- A holding is shown by the first period whose opening, closing or year-ago day is its first day or later.
    moment as (
        {% for moment in ['opening_on', 'closing_on', 'year_ago_on'] %}
            select
                grain,
                period_start,
                {{ moment }} as on_day,
                lag({{ moment }}, 1, cast('0001-01-01' as date)) over (
                    partition by grain order by period_start nulls last
                ) as after_day
            from period {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    -- The distinct keeps DuckDB from joining every holding with every period.
    shown as (
        select distinct changed.day, moment.grain, moment.period_start
        from (select distinct from_on as day from holding) as changed
        inner join moment on changed.day > moment.after_day and changed.day <= moment.on_day
    ),

    starts as (
        select distinct holding.holder_id, shown.grain, shown.period_start
        from holding
        inner join shown on holding.from_on = shown.day and shown.period_start <= holding.last_on
        where holding.product is null or shown.grain <> 'day'
    ),

    run as (
        select
            holder_id,
            grain,
            period_start,
            lead(period_start) over (partition by holder_id, grain order by period_start nulls last) as period_until
        from starts
    ),

    -- A loss begins a stretch without a subscription, so its period is a run of its own.
    lost as (
        select
            holder.holder_id,
            period.grain,
            period.period_start,
            bool_or(loss.settles_on is null) as is_settled,
            max(loss.settles_on) as settles_on
        from {{ ref('core_customer_loss') }} as loss
        inner join
            holder
            on loss.account_key = holder.account_key
            and coalesce(loss.product, '') = coalesce(holder.product, '')
        inner join period on loss.lost_on >= period.period_start and loss.lost_on < period.period_end
        group by holder.holder_id, period.grain, period.period_start
    ),

    measured as (
        select
            run.*,
            period.closing_on,
            {% for moment in ['opening', 'closing', 'year_ago'] %}
                -- Without a holding the MRR is 0. The MRR of a holding may be unknown.
                case when {{ moment }}.holder_id is null then 0 else {{ moment }}.mrr end as {{ moment }}_mrr,
            {% endfor %}
            coalesce(opening.active_subscriptions, 0) > 0 as was_active
        from run
        inner join period on run.grain = period.grain and run.period_start = period.period_start
        {% for moment in ['opening', 'closing', 'year_ago'] %}
            left join
                holding as {{ moment }}
                on run.holder_id = {{ moment }}.holder_id
                and period.{{ moment }}_on >= {{ moment }}.from_on
                and period.{{ moment }}_on < {{ moment }}.end_on
        {% endfor %}
    )

select
    holder.account_key,
    measured.grain,
    measured.period_start,
    measured.period_until,
    measured.closing_on,
    case when holder.product is null then 'all' end as company,
    account.business_unit,
    holder.product,
    case when holder.product is null then account.segment end as segment,
    case when holder.product is null then account.country end as country,
    measured.opening_mrr,
    measured.closing_mrr,
    measured.year_ago_mrr,
    measured.was_active,
    measured.was_active and coalesce(lost.is_settled, false) as was_lost,
    case when measured.was_active and not lost.is_settled then lost.settles_on end as settles_on,
    account.source_system,
    account.source_object,
    account.record_id,
    account.source_file,
    account.source_line,
    account.source_sha256
from measured
inner join holder on measured.holder_id = holder.holder_id
inner join {{ ref('core_account') }} as account on holder.account_key = account.account_key
left join
    lost
    on measured.holder_id = lost.holder_id
    and measured.grain = lost.grain
    and measured.period_start = lost.period_start
where
    measured.opening_mrr is distinct from 0
    or measured.closing_mrr is distinct from 0
    or measured.year_ago_mrr is distinct from 0
    or measured.was_active
