create table deal as
select p.*, t.manager as team, t.regional_office as region, a.sector as segment, a.office_location as country
from (select * replace (replace(product, 'GTXPro', 'GTX Pro') as product)
      from read_csv('{data}/maven_crm/sales_pipeline.csv')) p
left join read_csv('{data}/maven_crm/sales_teams.csv') t using (sales_agent)
left join read_csv('{data}/maven_crm/accounts.csv') a using (account);
create table last_days as select unnest(generate_series(date '2016-11-01', date '2018-01-01', interval 1 month))::date - 1 as d;
create table obs as
with f as (
    select 'booked_revenue' metric, close_date as day, close_value num, 1 den, * from deal where deal_stage = 'Won'
    union all select 'won_deals', close_date, 1, 1, * from deal where deal_stage = 'Won'
    union all select 'sales_volume', close_date, 1, 1, * from deal where deal_stage = 'Won'
    union all select 'new_customers', close_date, 1, 1, * from deal where deal_stage = 'Won'
        qualify row_number() over (partition by account order by close_date, opportunity_id) = 1
    union all select 'win_rate', close_date, (deal_stage = 'Won')::int, 1, * from deal where close_date is not null
    union all select 'win_rate_cohort', engage_date, (deal_stage = 'Won')::int, 1, * from deal where engage_date is not null
    union all select 'cohort_maturity', engage_date, (close_date is not null)::int, 1, * from deal where engage_date is not null
    union all select 'average_deal_size', close_date, close_value, 1, * from deal where deal_stage = 'Won'
    union all select 'average_deal_size_median', close_date, close_value, 1, * from deal where deal_stage = 'Won'
    union all select m, close_date, close_date - engage_date, 1, deal.* from deal, unnest(['sales_cycle_length',
        'sales_cycle_length_mean', 'sales_cycle_length_p90']) t(m) where deal_stage = 'Won'
    union all select 'pipeline_age', d, d - engage_date, 1, deal.* from deal, last_days
        where engage_date <= d and (close_date is null or close_date > d)
    union all select 'zombie_deals', d, 1, 1, deal.* from deal, last_days
        where engage_date + 180 <= d and (close_date is null or close_date > d)
)
select metric, day, 'all' company, 'Maven Hardware' business_unit, region, team, sales_agent rep, product, segment, country,
    null movement, num::decimal(28,4) num, den::decimal(28,4) den from f;
