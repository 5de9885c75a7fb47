"""The rules of the bundled sources: they find the known faults of the samples, and each of them can fail."""

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from scorecard.checks.gx.check import check_raw
from scorecard.checks.results import CheckResult, explain, failed_errors
from scorecard.shared.settings import Settings, load_settings

pytestmark = pytest.mark.samples

SOURCES = ["maven_crm", "ravenstack"]
# The metrics that are made from each raw object, as in the lineage.
METRICS_OF = {
    "raw_maven_crm.sales_pipeline": ["booked_revenue", "pipeline_age", "win_rate", "win_rate_value"],
    "raw_maven_crm.products": ["win_rate_value"],
    "raw_maven_crm.accounts": ["booked_revenue", "new_customers"],
    "raw_maven_crm.sales_teams": ["booked_revenue"],
    "raw_ravenstack.accounts": ["mrr", "customer_churn_rate", "customer_satisfaction"],
    "raw_ravenstack.subscriptions": ["mrr", "mrr_movement", "customer_churn_rate"],
    "raw_ravenstack.support_tickets": ["customer_satisfaction", "first_response_time"],
}
HARDWARE, SAAS = "Maven Hardware", "RavenStack SaaS"
SALES = {"booked_revenue", "win_rate", "win_rate_value", "pipeline_age", "new_customers"}
CUSTOMERS = {"mrr", "mrr_movement", "customer_churn_rate", "customer_satisfaction", "first_response_time"}

# The known faults of the samples, with the number of rows. All other rules pass.
KNOWN = {
    "maven_crm.accounts.sector_is_spelt_as_agreed": 12,
    "maven_crm.sales_pipeline.deals_have_an_account": 1425,
    "maven_crm.sales_pipeline.deals_have_an_engage_date": 500,
    "maven_crm.sales_pipeline.first_quarter_is_whole": 1,
    "maven_crm.sales_pipeline.lost_deals_have_a_value": 2473,
    "maven_crm.sales_pipeline.product_is_in_the_catalogue": 1480,
    "maven_crm.sales_teams.every_agent_has_deals": 5,
    "ravenstack.accounts.churn_flag_agrees_with_churn_events": 312,
    "ravenstack.churn_events.account_has_left_when_an_event_says_so": 545,
    "ravenstack.feature_usage.usage_id_is_unique": 42,
    "ravenstack.feature_usage.usage_is_within_the_subscription": 19434,
    "ravenstack.subscriptions.last_month_is_whole": 61,
    "ravenstack.subscriptions.subscription_has_a_length": 13,
    "ravenstack.support_tickets.account_signed_up_before_it_asked": 1077,
    "ravenstack.support_tickets.customers_answered": 825,
    "ravenstack.support_tickets.first_response_comes_before_the_solution": 36,
    "ravenstack.support_tickets.scores_use_the_lower_half": 1,
}


def _set(table: str, assignment: str, key: str, nth: int, where: str = "true") -> str:
    """Return the SQL that breaks one current row: the nth that meets a condition."""
    return (
        f"update raw_{table} set {assignment} where _valid_to is null and {key} = (select {key} from raw_{table} "
        f"where _valid_to is null and {where} order by {key} limit 1 offset {nth})"
    )


def _twice(table: str, key: str) -> str:
    """Return the SQL that repeats one current row."""
    return f"insert into raw_{table} from (from raw_{table} where _valid_to is null order by {key} desc limit 1)"


DEALS, TEAMS, ACCOUNTS = "maven_crm.sales_pipeline", "maven_crm.sales_teams", "maven_crm.accounts"
PRODUCTS = "maven_crm.products"
SAAS_ACCOUNTS, CHURN_EVENTS = "ravenstack.accounts", "ravenstack.churn_events"
SUBSCRIPTIONS, TICKETS, USAGE = "ravenstack.subscriptions", "ravenstack.support_tickets", "ravenstack.feature_usage"

# For every rule that the samples pass: a change that breaks it, and the least number of rows that it breaks.
BREAKS = {
    f"{DEALS}.opportunity_id_is_present": (_set(DEALS, "opportunity_id = null", "opportunity_id", 0), 1),
    f"{DEALS}.opportunity_id_is_unique": (_twice(DEALS, "opportunity_id"), 2),
    f"{DEALS}.stage_is_known": (_set(DEALS, "deal_stage = 'Paused'", "opportunity_id", 1, "deal_stage = 'Lost'"), 1),
    f"{DEALS}.stage_is_present": (_set(DEALS, "deal_stage = null", "opportunity_id", 2, "deal_stage = 'Lost'"), 1),
    f"{DEALS}.closed_deals_have_a_close_date": (
        _set(DEALS, "close_date = null", "opportunity_id", 3, "deal_stage = 'Won'"),
        1,
    ),
    f"{DEALS}.open_deals_have_no_close_date": (
        _set(DEALS, "close_date = '2017-12-30'", "opportunity_id", 4, "deal_stage = 'Engaging'"),
        1,
    ),
    f"{DEALS}.deals_close_after_they_begin": (
        _set(DEALS, "engage_date = close_date + 1", "opportunity_id", 5, "deal_stage = 'Lost'"),
        1,
    ),
    f"{DEALS}.close_date_is_plausible": (
        _set(DEALS, "close_date = '3017-01-01'", "opportunity_id", 6, "deal_stage = 'Won'"),
        1,
    ),
    f"{DEALS}.won_deals_have_a_value": (
        _set(DEALS, "close_value = null", "opportunity_id", 7, "deal_stage = 'Won'"),
        1,
    ),
    f"{DEALS}.value_is_not_negative": (_set(DEALS, "close_value = -1", "opportunity_id", 8, "deal_stage = 'Lost'"), 1),
    f"{DEALS}.won_value_is_near_the_list_price": (
        _set(DEALS, "close_value = close_value * 10", "opportunity_id", 9, "deal_stage = 'Won'"),
        1,
    ),
    f"{DEALS}.rep_is_in_a_team": (_set(DEALS, "sales_agent = 'Nobody'", "opportunity_id", 10), 1),
    f"{DEALS}.account_is_known": (_set(DEALS, "account = 'Nowhere'", "opportunity_id", 11, "deal_stage = 'Won'"), 1),
    f"{DEALS}.closed_deals_have_an_account": (
        _set(DEALS, "account = null", "opportunity_id", 12, "deal_stage = 'Won'"),
        1,
    ),
    f"{PRODUCTS}.product_is_present": (f"insert into raw_{PRODUCTS} (product, sales_price) values (null, 1)", 1),
    f"{PRODUCTS}.product_is_unique": (_twice(PRODUCTS, "product"), 2),
    f"{PRODUCTS}.price_is_positive": (f"insert into raw_{PRODUCTS} (product, sales_price) values ('Free', 0)", 1),
    f"{PRODUCTS}.price_is_present": (f"insert into raw_{PRODUCTS} (product) values ('Unpriced')", 1),
    f"{TEAMS}.agent_is_present": (
        f"insert into raw_{TEAMS} (manager, regional_office) values ('Cara Losch', 'East')",
        1,
    ),
    f"{TEAMS}.agent_is_in_one_team": (_twice(TEAMS, "sales_agent"), 2),
    f"{TEAMS}.agent_has_a_manager": (_set(TEAMS, "manager = null", "sales_agent", 0), 1),
    f"{TEAMS}.agent_has_a_region": (_set(TEAMS, "regional_office = null", "sales_agent", 1), 1),
    f"{TEAMS}.team_is_in_one_region": (_set(TEAMS, "regional_office = 'North'", "sales_agent", 2), 1),
    f"{ACCOUNTS}.account_is_present": (
        f"insert into raw_{ACCOUNTS} (sector, office_location) values ('retail', 'Japan')",
        1,
    ),
    f"{ACCOUNTS}.account_is_unique": (_twice(ACCOUNTS, "account"), 2),
    f"{ACCOUNTS}.account_has_a_sector": (_set(ACCOUNTS, "sector = null", "account", 0, "sector = 'retail'"), 1),
    f"{ACCOUNTS}.account_has_a_country": (_set(ACCOUNTS, "office_location = null", "account", 1), 1),
    f"{ACCOUNTS}.parent_company_is_known": (_set(ACCOUNTS, "subsidiary_of = 'Nowhere'", "account", 2), 1),
    f"{SAAS_ACCOUNTS}.account_id_is_present": (
        f"insert into raw_{SAAS_ACCOUNTS} (industry, country) values ('EdTech', 'US')",
        1,
    ),
    f"{SAAS_ACCOUNTS}.account_id_is_unique": (_twice(SAAS_ACCOUNTS, "account_id"), 2),
    f"{SAAS_ACCOUNTS}.account_has_an_industry": (_set(SAAS_ACCOUNTS, "industry = null", "account_id", 1), 1),
    f"{SAAS_ACCOUNTS}.account_has_a_country": (_set(SAAS_ACCOUNTS, "country = null", "account_id", 2), 1),
    f"{SAAS_ACCOUNTS}.country_is_a_code": (_set(SAAS_ACCOUNTS, "country = 'Germany'", "account_id", 3), 1),
    f"{CHURN_EVENTS}.event_id_is_unique": (_twice(CHURN_EVENTS, "churn_event_id"), 2),
    f"{CHURN_EVENTS}.account_is_known": (_set(CHURN_EVENTS, "account_id = 'A-none'", "churn_event_id", 0), 1),
    f"{SUBSCRIPTIONS}.subscription_id_is_present": (
        _set(SUBSCRIPTIONS, "subscription_id = null", "subscription_id", 0),
        1,
    ),
    f"{SUBSCRIPTIONS}.subscription_id_is_unique": (_twice(SUBSCRIPTIONS, "subscription_id"), 2),
    f"{SUBSCRIPTIONS}.account_is_known": (_set(SUBSCRIPTIONS, "account_id = 'A-none'", "subscription_id", 1), 1),
    f"{SUBSCRIPTIONS}.start_date_is_present": (_set(SUBSCRIPTIONS, "start_date = null", "subscription_id", 2), 1),
    f"{SUBSCRIPTIONS}.start_date_is_plausible": (
        _set(SUBSCRIPTIONS, "start_date = '3024-01-01'", "subscription_id", 3, "end_date is null"),
        1,
    ),
    f"{SUBSCRIPTIONS}.subscription_ends_after_it_starts": (
        _set(SUBSCRIPTIONS, "end_date = start_date - 1", "subscription_id", 4, "churn_flag"),
        1,
    ),
    f"{SUBSCRIPTIONS}.amount_is_present": (_set(SUBSCRIPTIONS, "mrr_amount = null", "subscription_id", 5), 1),
    f"{SUBSCRIPTIONS}.amount_is_not_negative": (
        _set(SUBSCRIPTIONS, "mrr_amount = -12, arr_amount = -144", "subscription_id", 6, "not is_trial"),
        1,
    ),
    f"{SUBSCRIPTIONS}.amount_is_a_twelfth_of_the_year": (
        _set(SUBSCRIPTIONS, "arr_amount = mrr_amount", "subscription_id", 70, "mrr_amount > 0"),
        1,
    ),
    f"{SUBSCRIPTIONS}.trial_is_free": (
        _set(SUBSCRIPTIONS, "mrr_amount = 1, arr_amount = 12", "subscription_id", 8, "is_trial"),
        1,
    ),
    f"{SUBSCRIPTIONS}.paid_subscription_has_a_price": (
        _set(SUBSCRIPTIONS, "mrr_amount = 0, arr_amount = 0", "subscription_id", 9, "not is_trial"),
        1,
    ),
    f"{SUBSCRIPTIONS}.plan_is_known": (_set(SUBSCRIPTIONS, "plan_tier = 'Gold'", "subscription_id", 10), 1),
    f"{SUBSCRIPTIONS}.billing_frequency_is_known": (
        _set(SUBSCRIPTIONS, "billing_frequency = 'weekly'", "subscription_id", 11),
        1,
    ),
    f"{SUBSCRIPTIONS}.seats_are_positive": (_set(SUBSCRIPTIONS, "seats = 0", "subscription_id", 12), 1),
    f"{SUBSCRIPTIONS}.churn_flag_agrees_with_the_end": (
        _set(SUBSCRIPTIONS, "churn_flag = not churn_flag", "subscription_id", 13),
        1,
    ),
    f"{SUBSCRIPTIONS}.account_signed_up_before_it_subscribed": (
        _set(SUBSCRIPTIONS, "start_date = '2001-01-01'", "subscription_id", 14),
        1,
    ),
    f"{TICKETS}.ticket_id_is_present": (_set(TICKETS, "ticket_id = null", "ticket_id", 0), 1),
    f"{TICKETS}.ticket_id_is_unique": (_twice(TICKETS, "ticket_id"), 2),
    f"{TICKETS}.account_is_known": (_set(TICKETS, "account_id = 'A-none'", "ticket_id", 1), 1),
    f"{TICKETS}.ticket_has_a_day": (_set(TICKETS, "submitted_at = null", "ticket_id", 2), 1),
    f"{TICKETS}.ticket_closes_after_it_opens": (_set(TICKETS, "closed_at = submitted_at - 1", "ticket_id", 3), 1),
    f"{TICKETS}.satisfaction_is_on_the_scale": (_set(TICKETS, "satisfaction_score = 9", "ticket_id", 4), 1),
    f"{TICKETS}.first_response_is_present": (_set(TICKETS, "first_response_time_minutes = null", "ticket_id", 5), 1),
    f"{TICKETS}.first_response_is_not_negative": (_set(TICKETS, "first_response_time_minutes = -1", "ticket_id", 6), 1),
    f"{TICKETS}.solution_time_agrees_with_the_dates": (
        _set(TICKETS, "resolution_time_hours = resolution_time_hours + 2", "ticket_id", 7),
        1,
    ),
    f"{USAGE}.subscription_is_known": (_set(USAGE, "subscription_id = 'S-none'", "usage_id", 0), 1),
    f"{USAGE}.counts_are_not_negative": (_set(USAGE, "usage_count = -1", "usage_id", 1), 1),
}


@pytest.fixture(scope="module")
def on_samples(samples: Path) -> dict[str, CheckResult]:
    folder = samples.parent
    settings = load_settings().model_copy(update={"state": folder, "out": folder / "out"})
    return {result.check_id: result for result in check_raw(settings, SOURCES, METRICS_OF)}


@pytest.fixture(scope="module")
def all_broken(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CheckResult]:
    folder = tmp_path_factory.mktemp("broken")
    shutil.copy(samples, folder / "warehouse.duckdb")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as con:
        for sql, _ in BREAKS.values():
            con.execute(sql)
    settings = load_settings().model_copy(update={"state": folder, "out": folder / "out"})
    return {result.check_id: result for result in check_raw(settings, SOURCES, METRICS_OF)}


def test_the_samples_have_their_known_faults_and_no_others(on_samples: dict[str, CheckResult]) -> None:
    assert {key: result.failures for key, result in on_samples.items() if not result.passed} == KNOWN
    assert {result.severity for result in on_samples.values() if not result.passed} == {"warning"}
    for unit in (HARDWARE, SAAS):
        assert failed_errors(list(on_samples.values()), SALES | CUSTOMERS, unit) == []


def test_the_contradicting_churn_counts_put_lost_customers_in_doubt(on_samples: dict[str, CheckResult]) -> None:
    result = on_samples["ravenstack.accounts.churn_flag_agrees_with_churn_events"]
    for count in ("312 of 500", "110 carry", "600 churn events", "352 accounts", "9 ever"):
        assert count in result.message
    assert result.doubt is not None
    assert result.doubt.columns == (("core.core_customer_change", "was_lost"),)


def test_only_current_rows_are_checked(on_samples: dict[str, CheckResult]) -> None:
    assert on_samples["maven_crm.sales_pipeline.has_rows"].checked == 8800
    assert on_samples["ravenstack.subscriptions.has_rows"].checked == 5000


@pytest.mark.parametrize("check_id", sorted(BREAKS))
def test_every_rule_can_fail(
    check_id: str, all_broken: dict[str, CheckResult], on_samples: dict[str, CheckResult]
) -> None:
    assert (on_samples[check_id].passed, on_samples[check_id].message) == (True, "It holds.")
    result = all_broken[check_id]
    assert not result.passed
    assert result.severity == on_samples[check_id].severity
    assert result.failures >= BREAKS[check_id][1]
    assert "could not be checked" not in result.message


def test_every_rule_is_listed_here(on_samples: dict[str, CheckResult]) -> None:
    rules = {key for key in on_samples if not key.endswith(".has_rows")}
    assert rules == KNOWN.keys() | BREAKS.keys()


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (_set(DEALS, "opportunity_id = null", "opportunity_id", 0), "opportunity_id_is_present"),
        (_set(DEALS, "close_value = -1", "opportunity_id", 8, "deal_stage = 'Lost'"), "value_is_not_negative"),
        (_set(DEALS, "deal_stage = 'Paused'", "opportunity_id", 1, "deal_stage = 'Lost'"), "stage_is_known"),
        (_twice(DEALS, "opportunity_id"), "opportunity_id_is_unique"),
    ],
)
def test_broken_data_holds_only_the_metrics_made_from_it(
    change: str, check: str, samples: Path, company: Callable[..., Settings]
) -> None:
    results = check_raw(company(samples, change), ["maven_crm"], METRICS_OF)
    failed = failed_errors(results, SALES, HARDWARE)
    assert [result.check_id for result in failed] == [f"maven_crm.sales_pipeline.{check}"]
    assert failed[0].metrics == ("booked_revenue", "pipeline_age", "win_rate", "win_rate_value")
    assert failed_errors(results, CUSTOMERS, HARDWARE) == []
    assert failed_errors(results, {"new_customers"}, HARDWARE) == []
    explanation = explain(failed)
    assert failed[0].message in explanation
    assert failed[0].cure in explanation
    assert "win_rate" in explanation
