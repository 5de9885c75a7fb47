-- The same values as one script that a careful analyst would write for DuckDB: no layers, no tests, no lineage.
-- Reads raw_maven_crm and raw_ravenstack; every metric by day, week, month, quarter and year and by every member.
create temp table opportunity as
select
    pipeline.*, team.manager as team, team.regional_office as region, account.sector as segment,
    account.office_location as country, deal_stage = 'Won' as won, close_date - engage_date as days
from raw_maven_crm.sales_pipeline as pipeline
left join raw_maven_crm.sales_teams as team using (sales_agent)
left join raw_maven_crm.accounts as account using (account);

create temp table closed as
select
    *, close_date as day, date_trunc('week', close_date) as week, date_trunc('month', close_date) as month,
    date_trunc('quarter', close_date) as quarter, date_trunc('year', close_date) as year, 1 as company, 1 as unit
from opportunity where close_date is not null;

create table bare_closed as
select
    day, week, month, quarter, year, company, unit, region, team, sales_agent, product, segment, country,
    count(*) filter (won) as won_deals, sum(close_value) filter (won) as booked_revenue, count(*) as closed_deals,
    count(*) filter (won) / count(*) as win_rate, avg(close_value) filter (won) as average_deal_size,
    quantile_cont(close_value, 0.5) filter (won) as deal_size_median, avg(days) filter (won) as cycle_mean,
    quantile_cont(days, 0.5) filter (won) as cycle_median, quantile_cont(days, 0.9) filter (won) as cycle_p90
from closed
group by grouping sets (
    (day, company), (week, company), (month, company), (quarter, company), (year, company),
    (day, unit), (week, unit), (month, unit), (quarter, unit), (year, unit),
    (week, region), (month, region), (quarter, region), (year, region),
    (week, team), (month, team), (quarter, team), (year, team),
    (week, sales_agent), (month, sales_agent), (quarter, sales_agent), (year, sales_agent),
    (week, product), (month, product), (quarter, product), (year, product),
    (week, segment), (month, segment), (quarter, segment), (year, segment),
    (week, country), (month, country), (quarter, country), (year, country)
);

create temp table created as
select
    *, engage_date as day, date_trunc('week', engage_date) as week, date_trunc('month', engage_date) as month,
    date_trunc('quarter', engage_date) as quarter, date_trunc('year', engage_date) as year, 1 as company, 1 as unit
from opportunity where engage_date is not null;

create table bare_created as
select
    day, week, month, quarter, year, company, unit, region, team, sales_agent, product, segment, country,
    count(*) filter (won) / count(*) as win_rate_cohort, count(close_date) / count(*) as cohort_maturity
from created
group by grouping sets (
    (day, company), (week, company), (month, company), (quarter, company), (year, company),
    (day, unit), (week, unit), (month, unit), (quarter, unit), (year, unit),
    (week, region), (month, region), (quarter, region), (year, region),
    (week, team), (month, team), (quarter, team), (year, team),
    (week, sales_agent), (month, sales_agent), (quarter, sales_agent), (year, sales_agent),
    (week, product), (month, product), (quarter, product), (year, product),
    (week, segment), (month, segment), (quarter, segment), (year, segment),
    (week, country), (month, country), (quarter, country), (year, country)
);

create temp table period as
select grain, start_on, (case grain
    when 'week' then start_on + interval 7 day when 'month' then start_on + interval 1 month
    when 'quarter' then start_on + interval 3 month when 'year' then start_on + interval 1 year
    else start_on + interval 1 day end)::date as end_on
from (
    -- Distinct stands outside: DuckDB 2.0 leaves a row a field where it stands beside an unnest of structs.
    select distinct grain, start_on
    from (
        select unnest([
            {'grain': 'day', 'start_on': day}, {'grain': 'week', 'start_on': date_trunc('week', day)::date},
            {'grain': 'month', 'start_on': date_trunc('month', day)::date},
            {'grain': 'quarter', 'start_on': date_trunc('quarter', day)::date},
            {'grain': 'year', 'start_on': date_trunc('year', day)::date}
        ], recursive := true)
        from (select unnest(generate_series(date '2016-01-01', date '2024-12-31', interval 1 day))::date as day)
    )
);

create table bare_open as
select
    grain, start_on, 1 as company, region, team, sales_agent, product, segment, country,
    count(*) as deals,
    quantile_cont(end_on - 1 - engage_date, 0.5) as pipeline_age,
    count(*) filter (end_on - 1 >= engage_date + 180) as zombie_deals
from opportunity
inner join period on engage_date < end_on and (close_date is null or close_date >= end_on)
where grain <> 'day' and start_on <= date '2017-12-31'
group by grouping sets (
    (grain, start_on), (grain, start_on, region), (grain, start_on, team), (grain, start_on, sales_agent),
    (grain, start_on, product), (grain, start_on, segment), (grain, start_on, country)
);

create table bare_new_customers as
select date_trunc('month', first_on) as month, region, count(*) as new_customers
from (select account, min(close_date) as first_on, arg_min(region, close_date) as region from closed where won group by all)
group by grouping sets ((month), (month, region));

create temp table subscription as
select subscriptions.*, accounts.industry, accounts.country
from raw_ravenstack.subscriptions
left join raw_ravenstack.accounts using (account_id)
where end_date is null or end_date > start_date;

create table bare_mrr as
select grain, start_on, plan_tier, industry, country, sum(mrr_amount) as mrr, count(*) as items
from subscription
inner join period on start_date < end_on and (end_date is null or end_date >= end_on)
where start_on >= date '2023-01-01'
group by grouping sets (
    (grain, start_on), (grain, start_on, plan_tier), (grain, start_on, industry), (grain, start_on, country)
);

create temp table holding as
select account_id, industry, country, grain, start_on,
    sum(mrr_amount) filter (start_date < start_on and (end_date is null or end_date >= start_on)) as opening,
    sum(mrr_amount) filter (start_date < end_on and (end_date is null or end_date >= end_on)) as closing,
    sum(mrr_amount) filter (start_date < end_on - interval 1 year
        and (end_date is null or end_date >= end_on - interval 1 year)) as year_ago
from subscription
inner join period on start_date < end_on and start_on between date '2023-01-01' and date '2024-12-31'
group by all;

create table bare_retention as
select
    grain, start_on, industry, country,
    sum(least(opening, coalesce(closing, 0))) / sum(opening) as gross_revenue_retention,
    sum(closing) filter (year_ago > 0) / sum(year_ago) as net_revenue_retention,
    count(*) filter (opening > 0 and coalesce(closing, 0) = 0) / count(*) filter (opening > 0) as churn,
    sum(coalesce(closing, 0) - coalesce(opening, 0)) as movement
from holding
group by grouping sets ((grain, start_on), (grain, start_on, industry), (grain, start_on, country));

create table bare_tickets as
select grain, start_on, industry, country,
    count(*) filter (satisfaction_score >= 4) / count(satisfaction_score) as satisfaction,
    count(satisfaction_score) / count(*) as response_rate,
    quantile_cont(first_response_time_minutes, 0.5) as first_response_time,
    quantile_cont(first_response_time_minutes, 0.9) as first_response_time_p90
from raw_ravenstack.support_tickets
left join raw_ravenstack.accounts using (account_id)
inner join period on submitted_at >= start_on and submitted_at < end_on
group by grouping sets ((grain, start_on), (grain, start_on, industry), (grain, start_on, country));
