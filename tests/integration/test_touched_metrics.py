"""Which metrics the failed checks of the samples touch, once they are built."""

import duckdb
import pytest

from tests.conftest import Sandbox

pytestmark = pytest.mark.samples

COHORTS = {"cohort_maturity", "win_rate_cohort"}
OPEN = {"pipeline_age", "zombie_deals"}
REVENUE = {"booked_revenue", "booked_revenue_growth", "booked_revenue_growth_yoy", "target_attainment"}
SALES = {
    *COHORTS,
    *OPEN,
    *REVENUE,
    "average_deal_size",
    "average_deal_size_median",
    "new_customers",
    "sales_cycle_length",
    "sales_cycle_length_mean",
    "sales_cycle_length_p90",
    "sales_volume",
    "win_rate",
    "win_rate_value",
    "won_deals",
}
RESPONSES = {"first_response_time", "first_response_time_p90"}
SURVEYS = {"customer_satisfaction", "survey_response_rate"}
RECURRING = {"customer_churn_rate", "gross_revenue_retention", "mrr", "mrr_movement", "net_revenue_retention"}
TOUCHED = {
    # The spelling of a sector and of a product, and who sells, cut every metric of deals.
    "maven_crm.accounts.sector_is_spelt_as_agreed": SALES,
    "maven_crm.sales_pipeline.product_is_in_the_catalogue": SALES,
    "maven_crm.sales_teams.every_agent_has_deals": SALES,
    # Deals that are missing are missing in every metric of deals.
    "maven_crm.sales_pipeline.first_quarter_is_whole": SALES,
    # All of these deals are open: what counts open ones by segment and country.
    "maven_crm.sales_pipeline.deals_have_an_account": COHORTS | OPEN,
    # What the day would let them count in.
    "maven_crm.sales_pipeline.deals_have_an_engage_date": COHORTS | OPEN,
    "maven_crm.sales_pipeline.lost_deals_have_a_value": {"win_rate_value"},
    # Flags and events say who left, and nothing of amounts.
    "ravenstack.accounts.churn_flag_agrees_with_churn_events": {"customer_churn_rate"},
    "ravenstack.churn_events.account_has_left_when_an_event_says_so": {"customer_churn_rate"},
    # No metric is made of usage.
    "ravenstack.feature_usage.usage_id_is_unique": set(),
    "ravenstack.feature_usage.usage_is_within_the_subscription": set(),
    "ravenstack.subscriptions.last_month_is_whole": RECURRING,
    "ravenstack.subscriptions.subscription_has_a_length": RECURRING,
    "ravenstack.support_tickets.account_signed_up_before_it_asked": RESPONSES | SURVEYS,
    "ravenstack.support_tickets.customers_answered": SURVEYS,
    "ravenstack.support_tickets.scores_use_the_lower_half": SURVEYS,
    "ravenstack.support_tickets.first_response_comes_before_the_solution": RESPONSES,
}


def test_a_failed_check_touches_what_its_rows_could_change(built: Sandbox) -> None:
    with duckdb.connect(str(built.settings.warehouse), read_only=True) as con:
        rows = con.execute("select check_id, metrics from quality.check_results where not passed").fetchall()
    assert {check_id: set(metrics) for check_id, metrics in rows} == TOUCHED


def test_a_check_that_holds_touches_what_its_columns_reach(built: Sandbox) -> None:
    with duckdb.connect(str(built.settings.warehouse), read_only=True) as con:
        held = dict(con.execute("select check_id, metrics from quality.check_results where passed").fetchall())
    assert set(held["maven_crm.sales_pipeline.value_is_not_negative"]) == {
        *REVENUE,
        "average_deal_size",
        "average_deal_size_median",
        "win_rate_value",
    }
    assert held["maven_crm.products.price_is_present"] == [], "no metric is made of list prices"
    assert set(held["maven_crm.sales_pipeline.opportunity_id_is_unique"]) == SALES
    assert held["extract.maven_crm.sales_pipeline.no_unknown_column"] == [], "no metric reads undeclared columns"
    assert set(held["extract.maven_crm.sales_pipeline.no_row_in_quarantine"]) == SALES
    assert set(held["dbt.not_null_core_ticket_ticket_key"]) == RESPONSES | SURVEYS
    assert set(held["dbt.mrr_movements_make_the_closing"]) == RECURRING
    assert set(held["facts.ravenstack.core_ticket.future_days"]) == RESPONSES
    assert set(held["facts.maven_crm.core_opportunity.gaps"]) == SALES
