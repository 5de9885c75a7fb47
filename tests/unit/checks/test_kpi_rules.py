"""The rules of all KPIs: a sound warehouse passes them, and each of them can fail."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scorecard.checks.gx.check import check_kpis
from scorecard.checks.results import CheckResult, failed_errors
from scorecard.checks.rules import read_suite
from scorecard.shared.settings import PROJECT, Settings

OBSERVATIONS, STATUS = "observations", "kpi_status"
OBSERVATION_TABLE, STATUS_TABLE = "scorecard.kpi_observations", "scorecard.kpi_status"


def _observation(assignment: str, record: int) -> str:
    return f"update scorecard.kpi_observations set {assignment} where metric = 'won_share' and record_id = '{record}'"


def _value(assignment: str, metric: str = "won_share") -> str:
    february = f"from {STATUS_TABLE} where period = '2024-02' and metric = '{metric}' limit 1"
    return f"insert into {STATUS_TABLE} select * replace ({assignment}) {february}"


WARNINGS = (f"{OBSERVATIONS}.numerator_is_present", f"{STATUS}.member_keeps_to_its_history")
# For every rule: a change that breaks it, and the metrics that the failure touches.
SHARE = ("won_share", "won_share_mean")
BREAKS = {
    f"{OBSERVATIONS}.observation_has_an_id": (_observation("observation_id = null", 0), SHARE),
    f"{OBSERVATIONS}.observation_counts_once": (
        f"insert into {OBSERVATION_TABLE} from (from {OBSERVATION_TABLE} where metric = 'booked' limit 1)",
        ("booked",),
    ),
    f"{OBSERVATIONS}.observation_names_its_record": (_observation("source_file = null", 1), SHARE),
    f"{OBSERVATIONS}.observation_has_a_day": (_observation("occurred_on = null", 2), SHARE),
    f"{OBSERVATIONS}.day_is_the_company_day_of_the_moment": (
        _observation("occurred_on = (occurred_at at time zone 'UTC')::date", 1),
        SHARE,
    ),
    f"{OBSERVATIONS}.stock_ends_after_it_begins": (_observation("ended_on = occurred_on", 3), SHARE),
    f"{OBSERVATIONS}.grain_is_known": (_observation("grain = 'decade'", 3), SHARE),
    f"{OBSERVATIONS}.numerator_is_present": (_observation("numerator = null", 4), SHARE),
    f"{OBSERVATIONS}.denominator_is_not_negative": (_observation("denominator = -1", 0), SHARE),
    f"{OBSERVATIONS}.share_is_part_of_its_whole": (_observation("numerator = 11", 1), SHARE),
    f"{OBSERVATIONS}.company_is_present": (
        f"update {OBSERVATION_TABLE} set company = null, business_unit = null where metric = 'won_share'",
        SHARE,
    ),
    f"{STATUS}.figure_is_complete": (_value("null as member"), ("won_share",)),
    f"{STATUS}.figure_is_unique": (_value("'2024-02' as period", "booked"), ("booked",)),
    f"{STATUS}.every_metric_has_values": (
        f"delete from {STATUS_TABLE} where metric = 'won_share_mean'",
        ("won_share_mean",),
    ),
    f"{STATUS}.grain_is_known": (_value("'decade' as grain"), ("won_share",)),
    f"{STATUS}.dimension_is_known": (_value("'planet' as dimension"), ("won_share",)),
    f"{STATUS}.status_is_known": (_value("'fine' as status, 'c' as member"), ("won_share",)),
    f"{STATUS}.reason_is_known": (_value("'because' as na_reason, null as value, 'd' as member"), ("won_share",)),
    f"{STATUS}.value_or_reason": (_value("null as value, 'e' as member"), ("won_share",)),
    f"{STATUS}.period_has_a_length": (_value("period_start as period_end, 'f' as member"), ("won_share",)),
    f"{STATUS}.share_is_between_0_and_1": (_value("1.5 as value, 'g' as member"), ("won_share",)),
    f"{STATUS}.count_is_not_negative": (_value("-1 as observations, 'h' as member"), ("won_share",)),
    f"{STATUS}.member_keeps_to_its_history": (
        f"insert into {STATUS_TABLE} by name select * exclude (m) replace ('region' as dimension, 'East' as member, "
        "strftime(period_start + to_months(m::int), '%Y-%m') as period, "
        "(period_start + to_months(m::int))::date as period_start, "
        f"(period_end + to_months(m::int))::date as period_end, if(m = 8, 0.1, 0.9) as value) "
        f"from (from {STATUS_TABLE} where period = '2024-02' and metric = 'won_share' and member = 'all' limit 1), "
        "range(9) as month (m)",
        ("won_share",),
    ),
    f"{STATUS}.company_is_one": (_value("'i' as member, 'company' as dimension", "booked"), None),
}


@pytest.fixture
def check(
    company: Callable[..., Settings], project: Path, kpi_warehouse: Path
) -> Callable[..., dict[str, CheckResult]]:
    def run(*changes: str) -> dict[str, CheckResult]:
        results = check_kpis(company(kpi_warehouse, *changes, project=project))
        # A failed result of a check comes last, so that it wins.
        results.sort(key=lambda result: not result.passed)
        return {result.check_id.removeprefix("kpis."): result for result in results}

    return run


def test_a_sound_warehouse_passes(check: Callable[..., dict[str, CheckResult]]) -> None:
    assert [result for result in check().values() if not result.passed] == []


def test_every_rule_can_fail_and_touches_the_metrics_it_broke(
    check: Callable[..., dict[str, CheckResult]],
) -> None:
    # All changes are made at once, for speed.
    results = check(*(sql for sql, _ in BREAKS.values()))
    assert {key for key in results if not key.endswith(".has_rows")} == BREAKS.keys()
    for key, (_, metrics) in BREAKS.items():
        result = results[key]
        assert not result.passed, key
        assert "could not be checked" not in result.message, result.message
        assert result.severity == ("warning" if key in WARNINGS else "error")
        if metrics:
            assert result.metrics == metrics, key


def test_a_fault_of_one_metric_leaves_the_others_alone(check: Callable[..., dict[str, CheckResult]]) -> None:
    results = list(check(BREAKS[f"{OBSERVATIONS}.observation_counts_once"][0]).values())
    assert [result.name for result in failed_errors(results, {"booked"}, "Unit")] == ["observation counts once"]
    assert failed_errors(results, {"won_share", "won_share_mean"}, "Unit") == []


def test_a_metric_without_values_is_named(check: Callable[..., dict[str, CheckResult]]) -> None:
    result = check(f"delete from {STATUS_TABLE} where metric = 'won_share_mean'")[f"{STATUS}.every_metric_has_values"]
    assert "1 metrics have observations and no value at all: won_share_mean." in result.message
    assert result.metrics == ("won_share_mean",), "no other metric is touched"


def test_a_metric_that_a_company_has_no_records_of_needs_no_values(
    check: Callable[..., dict[str, CheckResult]],
) -> None:
    crm_alone = (
        f"delete from {OBSERVATION_TABLE} where metric = 'won_share'",
        f"delete from {STATUS_TABLE} where metric like 'won_share%'",
    )
    assert check(*crm_alone)[f"{STATUS}.every_metric_has_values"].passed


OTHER = (
    "select * replace ('Other' as scope, 'Other' as business_unit, 'other-' || observation_id as observation_id, {})"
)


@pytest.mark.parametrize(
    ("rule", "replaced", "copies"),
    [
        ("numerator_is_present", "null::decimal(28, 4) as numerator", 1),  # counted by Great Expectations
        ("stock_ends_after_it_begins", "date '2020-01-01' as ended_on", 1),  # a query of rows
        ("observation_counts_once", "numerator as numerator", 2),  # a query of groups without a unit
    ],
)
def test_a_failure_in_one_unit_is_counted_for_that_unit_only(
    company: Callable[..., Settings], project: Path, kpi_warehouse: Path, rule: str, replaced: str, copies: int
) -> None:
    selected = f"{OTHER.format(replaced)} from {OBSERVATION_TABLE} where metric = 'booked' and scope = 'Unit' limit 3"
    rows = f"insert into {OBSERVATION_TABLE} {selected}"
    results = check_kpis(company(kpi_warehouse, *[rows] * copies, project=project))
    by_unit = {result.business_unit: result for result in results if result.check_id == f"kpis.{OBSERVATIONS}.{rule}"}
    assert {unit: (result.passed, result.failures) for unit, result in by_unit.items()} == {
        "Unit": (True, 0),
        "Other": (False, 3),
    }
    assert by_unit["Other"].checked == 3 * copies
    assert "3 " in by_unit["Other"].message
    assert "booked" in by_unit["Other"].metrics
    assert by_unit["Other"].concerns("Other")
    assert not by_unit["Other"].concerns("Unit")


def test_a_share_that_may_exceed_one_says_so(check: Callable[..., dict[str, CheckResult]], project: Path) -> None:
    entry = project / "dbt_project" / "models" / "kpis" / "kpi_won_share.yml"
    entry.write_text(entry.read_text().replace("alert_by: region", "may_exceed_one: true"))
    results = check(BREAKS[f"{OBSERVATIONS}.share_is_part_of_its_whole"][0])
    assert results[f"{OBSERVATIONS}.share_is_part_of_its_whole"].passed


def test_the_suite_names_no_metric(tmp_path: Path) -> None:
    """A new metric needs its two files only."""
    path = tmp_path / "kpis.yml"
    shutil.copy(PROJECT / "expectations" / "kpis.yml", path)
    lists = ("metrics", "bases", "shares", "alerts", "dimensions", "grains", "reasons")
    values = {"timezone": "UTC", **{name: [] for name in lists}}
    suite = read_suite(path, values, {"observations": "select 1", "kpi_status": "select 1"})
    assert not any(rule.in_doubt for item in suite.objects for rule in item.rules)
