"""The checks of every source's records, by what their fact declares."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from scorecard.catalogue import Fact
from scorecard.catalogue.facts import CoreMeta
from scorecard.checks.from_facts import from_facts
from scorecard.checks.results import CheckResult
from scorecard.shared.languages import load_translations
from scorecard.shared.settings import PROJECT

FACT = Fact(
    "core_call",
    CoreMeta(concept="calls", horizon=("began_on", "ended_on"), moment="ended_on", outcome="outcome", named="title"),
    {"began_on": "date", "ended_on": "date", "outcome": "varchar", "agent": "varchar", "title": "varchar"},
    Path("core_call.yml"),
)
LOADED = date(2024, 9, 15)
Row = tuple[date | None, date | None, str, str, str]


def usual() -> list[Row]:
    """Return two calls a day from January until the load, without a fault."""
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(258)]
    return [
        (day, day + timedelta(days=1), "reached" if agent == "Ada Moss" else "missed", agent, f"{agent} {day}")
        for day in days
        for agent in ("Ada Moss", "Ben Ruiz")
        if day + timedelta(days=1) <= LOADED
    ]


@pytest.fixture
def checked() -> Callable[..., dict[str, CheckResult]]:
    def check(rows: list[Row], instead_of: set[tuple[str, str]] | None = None) -> dict[str, CheckResult]:
        with duckdb.connect() as con:
            con.execute("create schema core")
            con.execute(
                "create table core.core_call (record_id varchar, source_system varchar, business_unit varchar,"
                " began_on date, ended_on date, outcome varchar, agent varchar, title varchar, loaded_at timestamptz)"
            )
            con.executemany(
                "insert into core.core_call values (?, 'desk', 'Orbit', ?, ?, ?, ?, ?, ?)",
                [[str(number), *row, f"{LOADED}T12:00:00Z"] for number, row in enumerate(rows)],
            )
            words = load_translations(PROJECT / "reports")
            results = from_facts(con, [FACT], {"core.core_call": ["calls"]}, instead_of or set(), ["agent"], words)
        return {result.check_id.rpartition(".")[2]: result for result in results}

    return check


def failed(results: dict[str, CheckResult]) -> dict[str, CheckResult]:
    return {kind: result for kind, result in results.items() if not result.passed}


def test_usual_records_pass_every_check(checked: Callable[..., dict[str, CheckResult]]) -> None:
    results = checked(usual())
    assert list(results) == ["spans", "future_days", "gaps", "falls", "one_outcome", "similar_names"]
    assert failed(results) == {}
    assert {(result.business_unit, result.metrics) for result in results.values()} == {("Orbit", ("calls",))}


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        (
            "spans",
            lambda rows: [*rows, (date(2024, 3, 5), date(2024, 3, 1), "missed", "Ada Moss", "x")],
            "1 of 517 records of calls have ended_on before began_on. Their durations are negative.",
        ),
        (
            "future_days",
            lambda rows: [*rows, (date(2024, 3, 5), date(2204, 3, 6), "missed", "Ada Moss", "x")],
            "1 of 517 records of calls have ended_on after the day on which they were loaded, the last 2204-03-06.",
        ),
        (
            "one_outcome",
            lambda rows: [(began, ended, "won", agent, title) for began, ended, _, agent, title in rows],
            "All 516 records of calls have one outcome, won in outcome.",
        ),
        (
            "gaps",
            lambda rows: [row for row in rows if not date(2024, 3, 4) < row[1] < date(2024, 3, 20)],
            "Between 2024-03-04 and 2024-03-20 no record of calls has ended_on, where about 30 were to be expected",
        ),
        (
            "falls",
            lambda rows: [row for row in rows if row[1] < date(2024, 8, 1) or row[1].day % 3 == 0],
            "In 2024-08 there are 20 records of calls, where the six months before have about 61 each.",
        ),
        (
            "similar_names",
            lambda rows: [*rows, (date(2024, 3, 5), date(2024, 3, 6), "missed", "ben  ruiz", "x")],
            "1 names in agent of calls are written in several ways or stand for several records, as Ben",
        ),
        (
            "similar_names",
            lambda rows: [*rows, (date(2024, 3, 5), date(2024, 3, 6), "missed", "Ada Moss", rows[0][4])],
            "1 names in title of calls are written in several ways or stand for several records, as Ada",
        ),
    ],
)
def test_a_fault_is_reported(
    checked: Callable[..., dict[str, CheckResult]], kind: str, change: Callable[[list[Row]], list[Row]], message: str
) -> None:
    results = failed(checked(change(usual())))
    assert list(results) == [kind]
    assert results[kind].message.startswith(message)
    assert results[kind].severity == "warning"
    # All words have a Japanese translation.
    assert {"name", "message", "cure"} == set(results[kind].words["ja"])
    assert not results[kind].words["ja"]["message"].isascii()


def test_a_fall_to_no_record_is_one_failure(checked: Callable[..., dict[str, CheckResult]]) -> None:
    result = checked([row for row in usual() if row[1] is None or row[1].month != 8])["falls"]
    assert (result.passed, result.failures) == (False, 1)
    assert result.message.startswith(
        "In 2024-08 there are 0 records of calls, where the six months before have about 61"
    )


def test_a_fact_that_is_a_view_is_checked_too() -> None:
    with duckdb.connect() as con:
        con.execute("create schema core")
        con.execute(
            "create view core.core_call as select '1' as record_id, 'desk' as source_system, 'Orbit' as business_unit,"
            " date '2024-03-05' as began_on, date '2024-03-01' as ended_on, 'missed' as outcome, 'Ada Moss' as agent,"
            f" 'x' as title, timestamptz '{LOADED}T12:00:00Z' as loaded_at"
        )
        translations = load_translations(PROJECT / "reports")
        results = from_facts(con, [FACT], {"core.core_call": ["calls"]}, set(), ["agent"], translations)
    assert [result.check_id.rpartition(".")[2] for result in results if not result.passed] == ["spans"]


def test_many_reversed_spans_are_an_error(checked: Callable[..., dict[str, CheckResult]]) -> None:
    rows = [(ended, began, *rest) for began, ended, *rest in usual()]
    assert checked(rows)["spans"].severity == "error"


def test_a_rule_of_the_source_replaces_a_check(checked: Callable[..., dict[str, CheckResult]]) -> None:
    assert "spans" not in checked(usual(), {("desk", "spans")})
    assert "spans" in checked(usual(), {("shop", "spans")})


def test_few_records_pass_every_check(checked: Callable[..., dict[str, CheckResult]]) -> None:
    assert failed(checked(usual()[:6])) == {}


def test_a_failure_puts_its_columns_in_doubt(checked: Callable[..., dict[str, CheckResult]]) -> None:
    early = (date(2024, 3, 5), date(2024, 3, 1), "missed", "Ada Moss", "x")
    results = checked([*usual(), early])
    spans = results["spans"].doubt
    assert spans is not None
    assert spans.columns == (("core.core_call", "began_on"), ("core.core_call", "ended_on"))
    assert spans.rows == "select * from core.core_call where source_system = 'desk' and ended_on < began_on"
    ahead = results["future_days"].doubt
    assert ahead is not None
    assert (ahead.columns, ahead.rows) == ((("core.core_call", "ended_on"),), None), "the check passes"
    assert all(results[kind].doubt is None for kind in ("gaps", "falls", "one_outcome")), "they are about whole rows"
    named = checked([*usual(), (date(2024, 3, 5), date(2024, 3, 6), "missed", "ada moss", "y")])["similar_names"].doubt
    assert named is not None
    assert named.columns == (("core.core_call", "agent"),)
