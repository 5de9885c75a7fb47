create table sub as
select s.account_id, s.plan_tier product, a.industry segment, a.country, s.start_date::date s, s.end_date::date e,
    case when s.is_trial then 0 else s.mrr_amount end mrr
from read_csv('{data}/ravenstack/ravenstack_subscriptions.csv') s
join read_csv('{data}/ravenstack/ravenstack_accounts.csv') a using (account_id);
create table ticket as
select t.*, t.submitted_at::date as day, a.industry segment, a.country
from read_csv('{data}/ravenstack/ravenstack_support_tickets.csv') t
join read_csv('{data}/ravenstack/ravenstack_accounts.csv') a using (account_id);
create table last_days as select unnest(generate_series(date '2023-01-01', date '2025-01-01', interval 1 month))::date - 1 as d;
create table month_end as
select d, account_id, any_value(segment) segment, any_value(country) country,
    coalesce(sum(mrr) filter (s <= d and (e is null or e > d)), 0) mrr
from sub, last_days group by all;
create table step as
select *, coalesce(lag(mrr) over w, 0) was, coalesce(max(mrr) over (w rows between unbounded preceding and 1 preceding), 0) peak,
    coalesce(lag(mrr, 12) over w, 0) year_ago from month_end window w as (partition by account_id order by d);
create table obs as
with f as (
    select 'mrr' metric, d as day, account_id, product, segment, country, null movement, mrr num, 1 den from sub, last_days
        where s <= d and (e is null or e > d)
    union all
    select 'mrr_movement', d, account_id, null, segment, country, case when was = 0 and peak = 0 then 'new'
        when was = 0 then 'reactivation' when mrr = 0 then 'churn' when mrr > was then 'expansion' else 'contraction' end,
        mrr - was, 1 from step where mrr <> was
    union all select 'gross_revenue_retention', d, account_id, null, segment, country, null, least(mrr, was), was from step where was > 0
    union all select 'net_revenue_retention', d, account_id, null, segment, country, null, mrr, year_ago from step where year_ago > 0
    union all select 'customer_churn_rate', d, account_id, null, segment, country, null, (mrr = 0)::int, 1 from step where was > 0
    union all select 'customer_satisfaction', day, account_id, null, segment, country, null, (satisfaction_score >= 4)::int, 1
        from ticket where satisfaction_score is not null
    union all select 'survey_response_rate', day, account_id, null, segment, country, null, (satisfaction_score is not null)::int, 1 from ticket
    union all select m, day, account_id, null, segment, country, null, first_response_time_minutes, 1 from ticket,
        unnest(['first_response_time', 'first_response_time_p90']) t(m)
)
select metric, day, 'all' company, 'RavenStack SaaS' business_unit, null region, null team, null rep, product, segment, country,
    movement, num::decimal(28,4) num, den::decimal(28,4) den from f;
