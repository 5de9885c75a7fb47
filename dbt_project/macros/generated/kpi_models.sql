{# Written by `scorecard generate`: dbt infers no references from a loop. Don't edit. #}
{% macro kpi_models() %}
    {{ return([
        ref('kpi_average_deal_size'),
        ref('kpi_booked_revenue'),
        ref('kpi_booked_revenue_growth'),
        ref('kpi_booked_revenue_growth_yoy'),
        ref('kpi_cohort_maturity'),
        ref('kpi_customer_churn_rate'),
        ref('kpi_customer_satisfaction'),
        ref('kpi_first_response_time'),
        ref('kpi_gross_revenue_retention'),
        ref('kpi_mrr'),
        ref('kpi_mrr_movement'),
        ref('kpi_net_revenue_retention'),
        ref('kpi_new_customers'),
        ref('kpi_pipeline_age'),
        ref('kpi_sales_cycle_length'),
        ref('kpi_sales_volume'),
        ref('kpi_survey_response_rate'),
        ref('kpi_target_attainment'),
        ref('kpi_win_rate'),
        ref('kpi_win_rate_cohort'),
        ref('kpi_win_rate_value'),
        ref('kpi_won_deals'),
        ref('kpi_zombie_deals'),
    ]) }}
{% endmacro %}
