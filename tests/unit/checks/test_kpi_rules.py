"""The shape that all KPIs share: it holds for a sound warehouse, and each rule can fail."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scorecard.checks.gx.check import check_kpis
from scorecard.checks.results import CheckResult, failed_errors
from scorecard.checks.rules import read_suite
from scorecard.shared.settings import PROJECT, Settings

OBS, V, ROWS, S = "observations", "kpi_status", "scorecard.kpi_observations", "scorecard.kpi_status"


def _observation(assignment: str, record: int) -> str:
    return f"update scorecard.kpi_observations set {assignment} where metric = 'won_share' and record_id = '{record}'"


def _value(assignment: str, metric: str = "won_share") -> str:
    february = f"from {S} where period = '2024-02' and metric = '{metric}' limit 1"
    return f"insert into {S} select * replace ({assignment}) {february}"


WARNINGS = (f"{OBS}.numerator_is_present", f"{V}.member_keeps_to_its_history")
# For every rule: a change that breaks it, and the metrics that it touches then.
SHARE = ("won_share", "won_share_mean")
BREAKS = {
    f"{OBS}.observation_has_an_id": (_observation("observation_id = null", 0), SHARE),
    f"{OBS}.observation_counts_once": (
        f"insert into {ROWS} from (from {ROWS} where metric = 'booked' limit 1)",
        ("booked",),
    ),
    f"{OBS}.observation_names_its_record": (_observation("source_file = null", 1), SHARE),
    f"{OBS}.observation_has_a_day": (_observation("occurred_on = null", 2), SHARE),
    f"{OBS}.day_is_the_company_day_of_the_moment": (
        _observation("occurred_on = (occurred_at at time zone 'UTC')::date", 1),
        SHARE,
    ),
    f"{OBS}.stock_ends_after_it_begins": (_observation("ended_on = occurred_on", 3), SHARE),
    f"{OBS}.grain_is_known": (_observation("grain = 'decade'", 3), SHARE),
    f"{OBS}.numerator_is_present": (_observation("numerator = null", 4), SHARE),
    f"{OBS}.denominator_is_not_negative": (_observation("denominator = -1", 0), SHARE),
    f"{OBS}.share_is_part_of_its_whole": (_observation("numerator = 11", 1), SHARE),
    f"{OBS}.company_is_present": (
        f"update {ROWS} set company = null, business_unit = null where metric = 'won_share'",
        SHARE,
    ),
    f"{V}.figure_is_complete": (_value("null as member"), ("won_share",)),
    f"{V}.figure_is_unique": (_value("'2024-02' as period", "booked"), ("booked",)),
    f"{V}.every_metric_has_values": (f"delete from {S} where metric = 'won_share_mean'", ("won_share_mean",)),
    f"{V}.grain_is_known": (_value("'decade' as grain"), ("won_share",)),
    f"{V}.dimension_is_known": (_value("'planet' as dimension"), ("won_share",)),
    f"{V}.status_is_known": (_value("'fine' as status, 'c' as member"), ("won_share",)),
    f"{V}.reason_is_known": (_value("'because' as na_reason, null as value, 'd' as member"), ("won_share",)),
    f"{V}.value_or_reason": (_value("null as value, 'e' as member"), ("won_share",)),
    f"{V}.period_has_a_length": (_value("period_start as period_end, 'f' as member"), ("won_share",)),
    f"{V}.share_is_between_0_and_1": (_value("1.5 as value, 'g' as member"), ("won_share",)),
    f"{V}.count_is_not_negative": (_value("-1 as observations, 'h' as member"), ("won_share",)),
    f"{V}.member_keeps_to_its_history": (
        f"insert into {S} by name select * exclude (m) replace ('region' as dimension, 'East' as member, "
        "strftime(period_start + to_months(m::int), '%Y-%m') as period, "
        "(period_start + to_months(m::int))::date as period_start, "
        f"(period_end + to_months(m::int))::date as period_end, if(m = 8, 0.1, 0.9) as value) "
        f"from (from {S} where period = '2024-02' and metric = 'won_share' and member = 'all' limit 1), "
        "range(9) as month (m)",
        ("won_share",),
    ),
    f"{V}.company_is_one": (_value("'i' as member, 'company' as dimension", "booked"), None),
}


@pytest.fixture
def check(
    company: Callable[..., Settings], project: Path, kpi_warehouse: Path
) -> Callable[..., dict[str, CheckResult]]:
    def run(*changes: str) -> dict[str, CheckResult]:
        results = check_kpis(company(kpi_warehouse, *changes, project=project))
        # Of each check, the result of a unit in which it fails, if there is one.
        results.sort(key=lambda result: not result.passed)
        return {result.check_id.removeprefix("kpis."): result for result in results}

    return run


def test_a_sound_warehouse_passes(check: Callable[..., dict[str, CheckResult]]) -> None:
    assert [result for result in check().values() if not result.passed] == []


def test_every_rule_can_fail_and_touches_the_metrics_it_broke(
    check: Callable[..., dict[str, CheckResult]],
) -> None:
    # All at once, for speed.
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
    results = list(check(BREAKS[f"{OBS}.observation_counts_once"][0]).values())
    assert [result.name for result in failed_errors(results, {"booked"}, "Unit")] == ["observation counts once"]
    assert failed_errors(results, {"won_share", "won_share_mean"}, "Unit") == []


def test_a_metric_without_values_is_named(check: Callable[..., dict[str, CheckResult]]) -> None:
    result = check(f"delete from {S} where metric = 'won_share_mean'")[f"{V}.every_metric_has_values"]
    assert "1 metrics have observations and no value at all: won_share_mean." in result.message
    assert result.metrics == ("won_share_mean",), "the others are not held back"


def test_a_metric_that_a_company_has_no_records_of_needs_no_values(
    check: Callable[..., dict[str, CheckResult]],
) -> None:
    crm_alone = (f"delete from {ROWS} where metric = 'won_share'", f"delete from {S} where metric like 'won_share%'")
    assert check(*crm_alone)[f"{V}.every_metric_has_values"].passed


OTHER = (
    "select * replace ('Other' as scope, 'Other' as business_unit, 'other-' || observation_id as observation_id, {})"
)


@pytest.mark.parametrize(
    ("rule", "replaced", "copies"),
    [
        ("numerator_is_present", "null::decimal(28, 4) as numerator", 1),  # counted by Great Expectations
        ("stock_ends_after_it_begins", "date '2020-01-01' as ended_on", 1),  # a query of rows
        ("observation_counts_once", "numerator as numerator", 2),  # a query of groups, which say no unit
    ],
)
def test_what_one_unit_breaks_is_counted_and_told_of_that_unit_alone(
    company: Callable[..., Settings], project: Path, kpi_warehouse: Path, rule: str, replaced: str, copies: int
) -> None:
    rows = f"insert into {ROWS} {OTHER.format(replaced)} from {ROWS} where metric = 'booked' and scope = 'Unit' limit 3"
    results = check_kpis(company(kpi_warehouse, *[rows] * copies, project=project))
    by_unit = {result.business_unit: result for result in results if result.check_id == f"kpis.{OBS}.{rule}"}
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
    results = check(BREAKS[f"{OBS}.share_is_part_of_its_whole"][0])
    assert results[f"{OBS}.share_is_part_of_its_whole"].passed


def test_the_suite_names_no_metric(tmp_path: Path) -> None:
    """A metric is two files and no more."""
    path = tmp_path / "kpis.yml"
    shutil.copy(PROJECT / "expectations" / "kpis.yml", path)
    lists = ("metrics", "bases", "shares", "alerts", "dimensions", "grains", "reasons")
    values = {"timezone": "UTC", **{name: [] for name in lists}}
    suite = read_suite(path, values, {"observations": "select 1", "kpi_status": "select 1"})
    assert not any(rule.in_doubt for item in suite.objects for rule in item.rules)
