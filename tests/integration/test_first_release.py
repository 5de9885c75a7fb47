"""A state folder of the first release goes on working: its closes are proved and printed, its raw rows stay, and a run
over the same data makes no edition and mails nobody, whatever types, SQL and hashes are now."""

import csv
import io
import json
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from scorecard.closes.store import folders
from scorecard.closes.trace import trace
from scorecard.pdf import render
from scorecard.pdf.attachments import figures_csv
from scorecard.pdf.document import read_context
from scorecard.shared.decimals import digits
from scorecard.steps import verify
from tests.conftest import PROJECT, Sandbox, sandbox_at

FIRST_RELEASE = PROJECT / "tests" / "fixtures" / "first_release" / "state.tar.xz"
CLOSES = ("customers-2024-Q4-e1", "sales-2017-12-e1", "sales-2017-12-e2")
pytestmark = pytest.mark.xdist_group("first_release")
PUBLISHED = (("sales", "2017-12"), ("customers", "2024-Q4"))
# Metrics whose definition has changed since the first release. Their new values make a new edition, and rightly so.
# customer_churn_rate: a cancellation counts on its day, without days of grace.
REDEFINED: frozenset[str] = frozenset({"customer_churn_rate"})
# Checks that mark other metrics than then, which the first release named by hand: now their columns and rows say which.
MARKED_ANEW: frozenset[str] = frozenset(
    {
        "maven_crm.sales_pipeline.deals_have_an_account",
        "maven_crm.sales_pipeline.first_quarter_is_whole",
        "maven_crm.sales_pipeline.won_value_is_near_the_list_price",
        "ravenstack.subscriptions.subscription_has_a_length",
        "ravenstack.support_tickets.scores_use_the_lower_half",
    }
)
REPORTS = PROJECT / "reports"


def unpacked(root: Path) -> Sandbox:
    with tarfile.open(FIRST_RELEASE) as archive:
        archive.extractall(root, filter="data")
    return sandbox_at(root, data=root / "data")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return unpacked(tmp_path_factory.mktemp("first"))


def close_of(sandbox: Sandbox, close_id: str) -> Path:
    return sandbox.settings.archive / close_id


def test_its_closes_verify(first: Sandbox) -> None:
    assert [folder.name for folder in folders(first.settings)] == list(CLOSES)
    assert verify(first.settings) == {"ok": True, "closes": len(CLOSES), "broken": []}


@pytest.mark.parametrize("close_id", CLOSES)
def test_its_figures_are_proved(first: Sandbox, close_id: str) -> None:
    values = pq.read_table(close_of(first, close_id) / "values.parquet").to_pylist()
    newest = values[0]["period"]
    whole = [row for row in values if row["period"] == newest and row["dimension"] == "business_unit"]
    members = [row for row in values if row["period"] == newest and row["dimension"] != "business_unit"][::40]
    assert len(whole) > 5
    assert members
    for row in (*whole, *members):
        proof = trace(first.settings, f"{close_id}.{row['figure_id']}")
        assert proof["equal"], row["figure_id"]
        assert proof["value"] == (None if row["value"] is None else digits(row["value"]))


@pytest.mark.parametrize("close_id", CLOSES)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_its_closes_render_with_their_own_figures(first: Sandbox, close_id: str, language: str) -> None:
    folder = close_of(first, close_id)
    assert render(folder, language, REPORTS).startswith(b"%PDF")
    content = figures_csv(read_context(folder, language, REPORTS)).decode("utf-8-sig")
    printed = {row["figure_id"]: row for row in csv.DictReader(io.StringIO(content))}
    frozen = {row["figure_id"]: row for row in pq.read_table(folder / "values.parquet").to_pylist()}
    assert printed
    for figure_id, row in printed.items():
        for name in ("value", "target", "prior_value"):
            given = frozen[figure_id][name]
            assert row[name] == ("" if given is None else digits(given)), (figure_id, name)


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory, parsed: Callable[[Sandbox], Sandbox]) -> Iterator[Sandbox]:
    """The state, extracted, built and published by the product as it is now."""
    sandbox = parsed(unpacked(tmp_path_factory.mktemp("upgraded")))
    sandbox.run("extract")
    sandbox.run("build")
    for scorecard, period in PUBLISHED:
        done = sandbox.run("publish", "--scorecard", scorecard, "--period", period, "--json")
        (sandbox.root / f"{scorecard}.json").write_text(done.stdout)
    yield sandbox
    shutil.rmtree(sandbox.root)


@pytest.mark.parametrize("scorecard", [scorecard for scorecard, _ in PUBLISHED])
def test_equal_values_make_no_edition(upgraded: Sandbox, scorecard: str) -> None:
    entry = published(upgraded, scorecard)
    if not entry["created"]:
        return
    differences = json.loads((close_of(upgraded, entry["close_id"]) / "restatements.json").read_text())
    seen = [difference for difference in differences if difference["seen"]]
    assert seen, "a new edition in which a reader sees no change"
    figures = [difference for difference in seen if difference["field"] != "check"]
    assert {difference["check_id"] for difference in seen if difference["field"] == "check"} <= MARKED_ANEW
    assert {difference.get("metric") for difference in figures} <= REDEFINED
    assert {difference.get("why") for difference in figures} <= {"definition"}


def test_nobody_is_mailed_twice(upgraded: Sandbox) -> None:
    entries = [published(upgraded, scorecard) for scorecard, _ in PUBLISHED]
    assert all(letter["now"] == entry["created"] for entry in entries for letter in entry["mailed"])
    folder = upgraded.settings.out / "mail" / "new"
    letters = len(list(folder.glob("*"))) if folder.is_dir() else 0
    assert letters == sum(len(entry["mailed"]) for entry in entries if entry["created"])


def published(sandbox: Sandbox, scorecard: str) -> dict[str, Any]:
    (entry,) = json.loads((sandbox.root / f"{scorecard}.json").read_text())
    return dict(entry)


def test_no_raw_row_is_lost(first: Sandbox, upgraded: Sandbox) -> None:
    before, after = raw_rows(first), raw_rows(upgraded)
    assert before
    for table, rows in before.items():
        current = Counter({row: count for row, count in rows.items() if row[-1]})
        assert current, table
        assert Counter({row: count for row, count in after[table].items() if row[-1]}) == current, table
        assert rows <= after[table], table


def raw_rows(sandbox: Sandbox) -> dict[str, Counter[tuple[Any, ...]]]:
    """Return each raw table's rows: the columns of the source, and last whether the version is the current one."""
    rows_by_table = {}
    with duckdb.connect(str(sandbox.settings.warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name, list(column_name order by column_name) from duckdb_columns() "
            "where starts_with(schema_name, 'raw_') and not starts_with(table_name, '_') "
            "and not starts_with(column_name, '_') group by all"
        ).fetchall()
        for schema, table, columns in tables:
            named = ", ".join(f'"{column}"' for column in columns)
            rows = connection.execute(f'select {named}, _valid_to is null from "{schema}"."{table}"').fetchall()
            # Numbers are compared by value: a later type may keep more digits.
            rows_by_table[f"{schema}.{table}"] = Counter(rows)
    return rows_by_table
