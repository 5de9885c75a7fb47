"""The rules of the bundled sources: what they find in the samples, and that each of them can fail."""

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
# What each raw object is made into, as the lineage would say.
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

# What the samples are known to have wrong, and how often; all else holds.
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
    """Spoil one current row: the nth of those that fit."""
    return (
        f"update raw_{table} set {assignment} where _valid_to is null and {key} = (select {key} from raw_{table} "
        f"where _valid_to is null and {where} order by {key} limit 1 offset {nth})"
    )


def _twice(table: str, key: str) -> str:
    """Make one more current row with the key of another, and nothing else the same matters."""
    return f"insert into raw_{table} from (from raw_{table} where _valid_to is null order by {key} desc limit 1)"


P, T, A, R = "maven_crm.sales_pipeline", "maven_crm.sales_teams", "maven_crm.accounts", "maven_crm.products"
RA, E, S = "ravenstack.accounts", "ravenstack.churn_events", "ravenstack.subscriptions"
K, U = "ravenstack.support_tickets", "ravenstack.feature_usage"

# For every rule that holds on the samples: a change that breaks it, and how many rows that spoils at least.
BREAKS = {
    f"{P}.opportunity_id_is_present": (_set(P, "opportunity_id = null", "opportunity_id", 0), 1),
    f"{P}.opportunity_id_is_unique": (_twice(P, "opportunity_id"), 2),
    f"{P}.stage_is_known": (_set(P, "deal_stage = 'Paused'", "opportunity_id", 1, "deal_stage = 'Lost'"), 1),
    f"{P}.stage_is_present": (_set(P, "deal_stage = null", "opportunity_id", 2, "deal_stage = 'Lost'"), 1),
    f"{P}.closed_deals_have_a_close_date": (_set(P, "close_date = null", "opportunity_id", 3, "deal_stage = 'Won'"), 1),
    f"{P}.open_deals_have_no_close_date": (
        _set(P, "close_date = '2017-12-30'", "opportunity_id", 4, "deal_stage = 'Engaging'"),
        1,
    ),
    f"{P}.deals_close_after_they_begin": (
        _set(P, "engage_date = close_date + 1", "opportunity_id", 5, "deal_stage = 'Lost'"),
        1,
    ),
    f"{P}.close_date_is_plausible": (
        _set(P, "close_date = '3017-01-01'", "opportunity_id", 6, "deal_stage = 'Won'"),
        1,
    ),
    f"{P}.won_deals_have_a_value": (_set(P, "close_value = null", "opportunity_id", 7, "deal_stage = 'Won'"), 1),
    f"{P}.value_is_not_negative": (_set(P, "close_value = -1", "opportunity_id", 8, "deal_stage = 'Lost'"), 1),
    f"{P}.won_value_is_near_the_list_price": (
        _set(P, "close_value = close_value * 10", "opportunity_id", 9, "deal_stage = 'Won'"),
        1,
    ),
    f"{P}.rep_is_in_a_team": (_set(P, "sales_agent = 'Nobody'", "opportunity_id", 10), 1),
    f"{P}.account_is_known": (_set(P, "account = 'Nowhere'", "opportunity_id", 11, "deal_stage = 'Won'"), 1),
    f"{P}.closed_deals_have_an_account": (_set(P, "account = null", "opportunity_id", 12, "deal_stage = 'Won'"), 1),
    f"{R}.product_is_present": (f"insert into raw_{R} (product, sales_price) values (null, 1)", 1),
    f"{R}.product_is_unique": (_twice(R, "product"), 2),
    f"{R}.price_is_positive": (f"insert into raw_{R} (product, sales_price) values ('Free', 0)", 1),
    f"{R}.price_is_present": (f"insert into raw_{R} (product) values ('Unpriced')", 1),
    f"{T}.agent_is_present": (f"insert into raw_{T} (manager, regional_office) values ('Cara Losch', 'East')", 1),
    f"{T}.agent_is_in_one_team": (_twice(T, "sales_agent"), 2),
    f"{T}.agent_has_a_manager": (_set(T, "manager = null", "sales_agent", 0), 1),
    f"{T}.agent_has_a_region": (_set(T, "regional_office = null", "sales_agent", 1), 1),
    f"{T}.team_is_in_one_region": (_set(T, "regional_office = 'North'", "sales_agent", 2), 1),
    f"{A}.account_is_present": (f"insert into raw_{A} (sector, office_location) values ('retail', 'Japan')", 1),
    f"{A}.account_is_unique": (_twice(A, "account"), 2),
    f"{A}.account_has_a_sector": (_set(A, "sector = null", "account", 0, "sector = 'retail'"), 1),
    f"{A}.account_has_a_country": (_set(A, "office_location = null", "account", 1), 1),
    f"{A}.parent_company_is_known": (_set(A, "subsidiary_of = 'Nowhere'", "account", 2), 1),
    f"{RA}.account_id_is_present": (f"insert into raw_{RA} (industry, country) values ('EdTech', 'US')", 1),
    f"{RA}.account_id_is_unique": (_twice(RA, "account_id"), 2),
    f"{RA}.account_has_an_industry": (_set(RA, "industry = null", "account_id", 1), 1),
    f"{RA}.account_has_a_country": (_set(RA, "country = null", "account_id", 2), 1),
    f"{RA}.country_is_a_code": (_set(RA, "country = 'Germany'", "account_id", 3), 1),
    f"{E}.event_id_is_unique": (_twice(E, "churn_event_id"), 2),
    f"{E}.account_is_known": (_set(E, "account_id = 'A-none'", "churn_event_id", 0), 1),
    f"{S}.subscription_id_is_present": (_set(S, "subscription_id = null", "subscription_id", 0), 1),
    f"{S}.subscription_id_is_unique": (_twice(S, "subscription_id"), 2),
    f"{S}.account_is_known": (_set(S, "account_id = 'A-none'", "subscription_id", 1), 1),
    f"{S}.start_date_is_present": (_set(S, "start_date = null", "subscription_id", 2), 1),
    f"{S}.start_date_is_plausible": (_set(S, "start_date = '3024-01-01'", "subscription_id", 3, "end_date is null"), 1),
    f"{S}.subscription_ends_after_it_starts": (
        _set(S, "end_date = start_date - 1", "subscription_id", 4, "churn_flag"),
        1,
    ),
    f"{S}.amount_is_present": (_set(S, "mrr_amount = null", "subscription_id", 5), 1),
    f"{S}.amount_is_not_negative": (
        _set(S, "mrr_amount = -12, arr_amount = -144", "subscription_id", 6, "not is_trial"),
        1,
    ),
    f"{S}.amount_is_a_twelfth_of_the_year": (
        _set(S, "arr_amount = mrr_amount", "subscription_id", 70, "mrr_amount > 0"),
        1,
    ),
    f"{S}.trial_is_free": (_set(S, "mrr_amount = 1, arr_amount = 12", "subscription_id", 8, "is_trial"), 1),
    f"{S}.paid_subscription_has_a_price": (
        _set(S, "mrr_amount = 0, arr_amount = 0", "subscription_id", 9, "not is_trial"),
        1,
    ),
    f"{S}.plan_is_known": (_set(S, "plan_tier = 'Gold'", "subscription_id", 10), 1),
    f"{S}.billing_frequency_is_known": (_set(S, "billing_frequency = 'weekly'", "subscription_id", 11), 1),
    f"{S}.seats_are_positive": (_set(S, "seats = 0", "subscription_id", 12), 1),
    f"{S}.churn_flag_agrees_with_the_end": (_set(S, "churn_flag = not churn_flag", "subscription_id", 13), 1),
    f"{S}.account_signed_up_before_it_subscribed": (_set(S, "start_date = '2001-01-01'", "subscription_id", 14), 1),
    f"{K}.ticket_id_is_present": (_set(K, "ticket_id = null", "ticket_id", 0), 1),
    f"{K}.ticket_id_is_unique": (_twice(K, "ticket_id"), 2),
    f"{K}.account_is_known": (_set(K, "account_id = 'A-none'", "ticket_id", 1), 1),
    f"{K}.ticket_has_a_day": (_set(K, "submitted_at = null", "ticket_id", 2), 1),
    f"{K}.ticket_closes_after_it_opens": (_set(K, "closed_at = submitted_at - 1", "ticket_id", 3), 1),
    f"{K}.satisfaction_is_on_the_scale": (_set(K, "satisfaction_score = 9", "ticket_id", 4), 1),
    f"{K}.first_response_is_present": (_set(K, "first_response_time_minutes = null", "ticket_id", 5), 1),
    f"{K}.first_response_is_not_negative": (_set(K, "first_response_time_minutes = -1", "ticket_id", 6), 1),
    f"{K}.solution_time_agrees_with_the_dates": (
        _set(K, "resolution_time_hours = resolution_time_hours + 2", "ticket_id", 7),
        1,
    ),
    f"{U}.subscription_is_known": (_set(U, "subscription_id = 'S-none'", "usage_id", 0), 1),
    f"{U}.counts_are_not_negative": (_set(U, "usage_count = -1", "usage_id", 1), 1),
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


def test_the_contradicting_churn_counts_are_told_beside_the_churn_rate(on_samples: dict[str, CheckResult]) -> None:
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


def test_no_rule_was_forgotten(on_samples: dict[str, CheckResult]) -> None:
    rules = {key for key in on_samples if not key.endswith(".has_rows")}
    assert rules == KNOWN.keys() | BREAKS.keys()


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (_set(P, "opportunity_id = null", "opportunity_id", 0), "opportunity_id_is_present"),
        (_set(P, "close_value = -1", "opportunity_id", 8, "deal_stage = 'Lost'"), "value_is_not_negative"),
        (_set(P, "deal_stage = 'Paused'", "opportunity_id", 1, "deal_stage = 'Lost'"), "stage_is_known"),
        (_twice(P, "opportunity_id"), "opportunity_id_is_unique"),
    ],
)
def test_broken_data_holds_what_is_made_from_it_and_nothing_else(
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
