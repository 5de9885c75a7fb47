"""The parts of `make sandbox`, without Airflow: services that run, two extractions, and what is told of them."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sandbox_run

from sandbox.company import Plan
from sandbox.company.world.names import CLOUD, INSTRUMENTS
from sandbox.demo.changes import TableChanges, changes, last_load
from sandbox.demo.project import make_project
from sandbox.demo.report import RunCost, change_lines, cost_lines, figure_lines
from sandbox.demo.running import UNITS, RunningCompany
from scorecard.catalogue import load_catalogue
from scorecard.extract import extract_source, load_contracts
from scorecard.shared.settings import Settings
from tests.conftest import PROJECT

# One worker simulates what all of them look at.
pytestmark = pytest.mark.xdist_group("sandbox")

PLAN = Plan(seed=3, size=60, years=25 / 12, mistakes=0.15)
FIRST, SECOND = (PLAN.midnight(day) + timedelta(hours=5) for day in (date(2025, 1, 1), date(2025, 2, 1)))
KINDS = {
    "hubspot.company": "companies",
    "hubspot.deal": "deals",
    "salesforce.account": "Account",
    "salesforce.opportunity": "Opportunity",
    "stripe.customer": "customer",
    "stripe.invoice": "invoice",
    "zendesk.ticket": "tickets",
}
"""Raw tables, and what the services call the same."""


def test_settings_are_read_before_the_project_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_run, "STATE", tmp_path / "state")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    settings = sandbox_run.read_sandbox_settings(os.environ)
    assert (settings.currency, settings.project) == ("EUR", tmp_path / "state" / "project")


@dataclass(frozen=True)
class Twice:
    """What the services held before and after the month, and what is told of it."""

    before: dict[str, set[str]]
    after: dict[str, set[str]]
    changed: dict[str, TableChanges]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCompany]:
    running = RunningCompany(PLAN, FIRST)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def settings(running: RunningCompany, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("sandbox")
    make_project(PROJECT, root / "project", running.rates())
    return Settings(
        project=root / "project",
        data=PROJECT / "data",
        state=root / "var",
        services={name: {"business_unit": unit, "currency": "EUR"} for name, unit in UNITS.items()},
        connections=running.connections(),
    )


@pytest.fixture(scope="module")
def twice(running: RunningCompany, settings: Settings) -> Twice:
    contracts = load_contracts(settings)
    held = []
    for moment in (FIRST, SECOND):
        if held:
            since = last_load(settings, UNITS)
        running.move_to(moment)
        for service in UNITS:
            extract_source(settings, contracts[service])
        held.append({table: set(running.state(table.partition(".")[0], kind)) for table, kind in KINDS.items()})
    return Twice(*held, {table.table: table for table in changes(settings, UNITS, since)})


def test_what_is_told_is_what_the_month_changed(twice: Twice) -> None:
    for table in KINDS:
        row, before, after = twice.changed[table], twice.before[table], twice.after[table]
        assert (row.new, row.ended, row.live) == (len(after - before), len(before - after), len(after)), table
    assert twice.changed["stripe.subscription_item"].changed > 5, "each renewal moves the period of an item"
    assert sum(twice.changed[table].ended for table in KINDS) > 2, "the month has to have its deletes and merges"

    lines = list(change_lines(twice.changed.values()))
    assert any(line.split()[:2] == ["stripe.invoice", str(twice.changed["stripe.invoice"].new)] for line in lines)
    assert lines[-1].endswith("more without a change)")


def test_the_figures_are_those_of_the_declared_scorecards(settings: Settings) -> None:
    old, new = sandbox_run.OLD, sandbox_run.NEW
    before = {(INSTRUMENTS, "win_rate", old): Decimal("0.25")}
    after = {(INSTRUMENTS, "win_rate", old): Decimal("0.2"), (INSTRUMENTS, "win_rate", new): Decimal("0.5")}
    lines = list(figure_lines(load_catalogue(settings), [CLOUD, INSTRUMENTS], (old, new), before, after))
    assert [line.split() for line in lines[-1:]] == [["win_rate", "25.0", "%", "20.0", "%", "50.0", "%"]]
    assert lines[0].startswith(f"{CLOUD}: no figures."), "nothing is known of it here"
    assert len(lines) == 3


def test_the_scorecards_of_simulated_units_say_so(settings: Settings) -> None:
    cards = [card for card in load_catalogue(settings).scorecards.values() if card.business_unit in UNITS.values()]
    assert {card.business_unit for card in cards} == set(UNITS.values())
    assert all("SIMULATED" in card.title["en"] for card in cards)
    assert not (PROJECT / "reports" / f"{cards[0].name}.yml").exists(), "the real company has none of it"


def test_nothing_of_this_machine_gets_in(running: RunningCompany, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"SCORECARD_SMTP_HOST": "mail.example.com", "AIRFLOW_CONN_SCORECARD_TELEPHONY": "x", "HOME": "/"}
    sandbox_run.set_environment(environ)
    sandbox_run.connect(environ, running)
    assert environ["HOME"] == "/"
    assert not {"SCORECARD_SMTP_HOST", "AIRFLOW_CONN_SCORECARD_TELEPHONY"} & environ.keys()
    stripe = json.loads(environ["AIRFLOW_CONN_SCORECARD_STRIPE"])
    assert stripe["host"] == running.connections()["stripe"]["host"]
    for name in ("SCORECARD_STATE", "SCORECARD_OUT", "SCORECARD_PROJECT"):
        assert "sandbox" in Path(environ[name]).parts, "nothing of the samples is touched"


def test_the_costs_are_told() -> None:
    assert list(cost_lines([("First run", RunCost(61.4, 50.2, 120))])) == [
        "First run       61 s, 50 s of CPU; the services answered 120 requests"
    ]
