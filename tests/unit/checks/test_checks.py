"""Results of dbt and of the extraction as checks: how they are stored, and which hold a scorecard."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from scorecard.checks.dbt_failures import count_by_unit, name_rows, units_by_test
from scorecard.checks.from_dbt import from_dbt
from scorecard.checks.from_extract import from_extract
from scorecard.checks.results import CheckResult, explain, failed_errors, load, store
from scorecard.shared.settings import load_settings
from scorecard.shared.text import plain

RESULT = CheckResult(
    check_id="shop.deals.amount_is_present",
    kind="great_expectations",
    name="amount is present",
    source="shop",
    object="deals",
    severity="error",
    passed=False,
    failures=2,
    checked=3,
    message="2 of 3.",
    cure="Enter it.",
    metrics=("booked", "won"),
    run_at=datetime(2024, 1, 2, 3, 4, 5, 678901, UTC),
)


def test_stored_results_are_loaded_unchanged() -> None:
    words = {"ja": {"name": "金額がある", "message": "3件中2件", "cure": "入力する。"}}
    other = replace(RESULT, check_id="dbt.x", kind="dbt", source="dbt", checked=None, metrics=(), words=words)
    with duckdb.connect() as con:
        assert load(con) == []
        store(con, [RESULT, other])
        assert load(con) == [other, RESULT]


def test_a_source_checked_again_replaces_its_own_results_only() -> None:
    other = replace(RESULT, check_id="crm.deals.x", source="crm")
    mended = replace(RESULT, check_id="shop.deals.y", passed=True, failures=0)
    with duckdb.connect() as con:
        store(con, [RESULT, other])
        store(con, [mended])
        assert load(con) == [other, mended]


def test_a_failed_store_changes_nothing() -> None:
    with duckdb.connect() as con:
        store(con, [RESULT])
        with pytest.raises(duckdb.Error):
            store(con, [RESULT, replace(RESULT, check_id="x", message=None)])
        assert load(con) == [RESULT]


def test_only_failed_errors_of_its_metrics_hold_a_scorecard() -> None:
    warning = replace(RESULT, check_id="b", severity="warning")
    passed = replace(RESULT, check_id="c", passed=True)
    results = [warning, passed, RESULT]
    assert failed_errors(results, {"won", "x"}, "Hardware") == [RESULT]
    assert failed_errors(results, {"x"}, "Hardware") == []
    assert explain([]) == ""
    explanation = explain([RESULT])
    for part in ("amount is present", "2 of 3.", "Enter it.", "booked, won", RESULT.check_id):
        assert part in explanation


def test_a_failed_check_of_one_unit_holds_no_other_unit() -> None:
    of_unit = replace(RESULT, business_unit="Hardware")
    assert failed_errors([of_unit], {"won"}, "Hardware") == [of_unit]
    assert failed_errors([of_unit], {"won"}, "Software") == []


def _count(
    sql: str, failures: int, con: duckdb.DuckDBPyConnection, message: str = "Rows that break it: {:,}. Why."
) -> dict[str | None, tuple[bool, int, str]]:
    """Count a failed test of core.deal by unit."""
    relation = '"memory"."core"."deal"'
    deal = {**_node("deal"), "relation_name": relation}
    test = _node("deal_is_sound", "test", depends_on={"nodes": ["model.scorecard.deal"]}, compiled_code=sql)
    manifest = {"nodes": {node["unique_id"]: node for node in (deal, test)}, "sources": {}}
    result = replace(RESULT, check_id="dbt.deal_is_sound", failures=failures, message=message.format(failures))
    results = count_by_unit(con, [result], manifest, {"core.deal": {"Hardware", "Software"}})
    return {
        unit_result.business_unit: (unit_result.passed, unit_result.failures, unit_result.message)
        for unit_result in results
    }


def test_a_dbt_test_of_a_model_that_units_share_is_counted_by_unit() -> None:
    with duckdb.connect() as con:
        con.execute(
            "create schema core; create table core.deal as select * from (values ('Hardware', null), "
            "('Hardware', 1), ('Software', null), ('Software', null), ('Services', 1)) as t (business_unit, amount)"
        )
        null_rows = 'select * from "memory"."core"."deal" where amount is null'
        assert _count(null_rows, 3, con) == {
            "Hardware": (False, 1, "Rows that break it: 1. Why."),
            "Software": (False, 2, "Rows that break it: 2. Why."),
        }
        con.execute("delete from core.deal where business_unit = 'Hardware' and amount is null")
        assert _count(null_rows, 2, con)["Hardware"] == (True, 0, "It holds.")
        across = 'select amount from "memory"."core"."deal" group by amount having count(distinct business_unit) > 1'
        assert _count(across, 1, con) == {None: (False, 1, "Rows that break it: 1. Why.")}, "the row has no unit"


def test_the_sentence_of_a_dbt_test_is_split_by_unit() -> None:
    raised = """select 1 from "memory"."core"."deal" where amount is null
        having count(*) > 0 and error(string_agg(deal || ' is wrong.', ' ' order by deal)) is null"""
    with duckdb.connect() as con:
        con.execute(
            "create schema core; create table core.deal as select * from (values ('Hardware', 'A', null), "
            "('Hardware', 'C', null), ('Software', 'B', 1)) as t (business_unit, deal, amount)"
        )
        counts = _count(raised, 1, con, "A is wrong. C is wrong. Why.")
        assert counts == {"Hardware": (False, 1, "A is wrong. C is wrong. Why."), "Software": (True, 0, "It holds.")}
        con.execute("update core.deal set amount = null")
        counts = _count(raised, 1, con, "A is wrong. B is wrong. C is wrong. Why.")
        assert counts == {
            "Hardware": (False, 1, "A is wrong. C is wrong. Why."),
            "Software": (False, 1, "B is wrong. Why."),
        }
        con.execute("insert into core.deal values ('Services', 'D', null)")
        message = "A is wrong. B is wrong. C is wrong. D is wrong. Why."
        assert _count(raised, 1, con, message) == {None: (False, 1, message)}, "a row has another unit"


def test_a_dbt_test_is_about_the_units_of_all_that_it_reads() -> None:
    nodes = [_node(name) for name in ("deal", "ticket", "day")]
    nodes.append(_node("two", "test", depends_on={"nodes": [node["unique_id"] for node in nodes]}))
    nodes.append({**nodes[-1], "name": "one", "unique_id": "test.one", "attached_node": "model.scorecard.deal"})
    manifest = {"nodes": {node["unique_id"]: node for node in nodes}, "sources": {}}
    units = {"core.deal": {"A"}, "core.ticket": {"B"}, "core.day": set()}
    assert units_by_test(manifest, units) == {"dbt.two": {"A", "B"}, "dbt.one": {"A"}}


def test_the_sentences_of_rows_begin_the_message_of_their_unit() -> None:
    words = {"ja": {"name": "正しい", "message": "2件", "cure": "直す。"}}
    result = replace(RESULT, check_id="dbt.x", message="Rows that break it: 2.", words=words)
    rows = "select unit as business_unit, 'line ' || line as problem from (values {}) as t (unit, line)"

    def named(query: str, **changed: Any) -> CheckResult:
        node = {"name": "x", "resource_type": "test", "compiled_code": query}
        with duckdb.connect() as con:
            (one,) = name_rows(con, [replace(result, **changed)], {"nodes": {"x": node}})
        return one

    of_two = rows.format("('A', 3), ('A', 2), ('B', 7)")
    assert named(of_two).message == "line 2 line 3 line 7 Rows that break it: 2."
    of_one = named(of_two, business_unit="A")
    assert of_one.message == "line 2 line 3 Rows that break it: 2."
    assert of_one.words["ja"] == {"name": "正しい", "message": "line 2 line 3 2件", "cure": "直す。"}
    many = rows.format(", ".join(f"('A', {line})" for line in range(1, 6)))
    assert named(many).message == "line 1 line 2 line 3 … (+2) Rows that break it: 2."
    for query in ("select 1 as other", "select 'a' as problem", "select error('x') as problem"):
        assert named(query, business_unit="A").message == result.message, "the query has no sentence or no unit"
    assert named(of_two, passed=True).message == result.message


def test_plain_text_is_one_harmless_line() -> None:
    assert plain("a\r\nBcc: x\u202e\x00\u200bb") == "a Bcc: x b"
    assert plain("x" * 100, 10) == "x" * 9 + "…"


def _node(name: str, kind: str = "model", folder: str = "core", **more: Any) -> dict[str, Any]:
    return {
        "unique_id": f"{kind}.scorecard.{name}",
        "name": name,
        "resource_type": kind,
        "schema": folder,
        "fqn": ["scorecard", folder, name],
        "original_file_path": f"models/{folder}/{name}.sql",
        "config": {"severity": "ERROR"},
        "depends_on": {"nodes": []},
        **more,
    }


def _artifacts(*results: dict[str, Any], **test: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    on_deal = {"depends_on": {"nodes": ["model.scorecard.core_deal"]}}
    beside = {"config": {"meta": {"beside": [{"name": "mean"}]}}}
    nodes = [
        _node("core_deal"),
        _node("kpi_won", folder="kpis", **beside),
        _node("kpi_mrr", folder="kpis"),
        _node("kpi_values", folder="scorecard"),
        _node("deal_is_sound", "test", **{**on_deal, **test}),
        _node("values_are_sound", "test", depends_on={"nodes": ["model.scorecard.kpi_values"]}),
    ]
    edges = [("core_deal", "kpi_won"), ("kpi_won", "kpi_values"), ("kpi_mrr", "kpi_values")]
    child_map: dict[str, list[str]] = {}
    parent_map: dict[str, list[str]] = {}
    for parent, child in edges:
        child_map.setdefault(f"model.scorecard.{parent}", []).append(f"model.scorecard.{child}")
        parent_map.setdefault(f"model.scorecard.{child}", []).append(f"model.scorecard.{parent}")
    manifest = {
        "nodes": {node["unique_id"]: node for node in nodes},
        "sources": {},
        "unit_tests": {},
        "child_map": child_map,
        "parent_map": parent_map,
    }
    run = {"metadata": {"generated_at": "2024-01-02T03:04:05.678901Z"}, "results": list(results)}
    return run, manifest


def _ran(name: str, status: str, failures: int | None = None, message: str | None = None) -> dict[str, Any]:
    kind = "test" if name.endswith("sound") else "model"
    return {
        "unique_id": f"{kind}.scorecard.{name}",
        "status": status,
        "failures": failures,
        "message": message,
    }


@pytest.mark.parametrize(
    ("status", "declared", "severity", "passed"),
    [
        ("pass", "ERROR", "error", True),
        ("pass", "WARN", "warning", True),
        ("warn", "WARN", "warning", False),
        ("warn", "ERROR", "warning", False),
        ("fail", "ERROR", "error", False),
        ("error", "WARN", "error", False),
    ],
)
def test_a_dbt_test_is_a_check(status: str, declared: str, severity: str, passed: bool) -> None:
    failures = 0 if passed else 7 if status in ("warn", "fail") else None
    config = {"severity": declared, "meta": {"cure": "Mend it."}}
    run, manifest = _artifacts(
        _ran("deal_is_sound", status, failures, "Database Error"), config=config, description="It matters."
    )
    (result,) = from_dbt(run, manifest, {})
    assert (result.severity, result.passed, result.failures) == (
        severity,
        passed,
        failures if failures else int(not passed),
    )
    assert result.check_id == "dbt.deal_is_sound"
    assert result.object == "core.core_deal"
    assert result.cure == "Mend it."
    assert result.message.endswith("It matters.")
    assert result.metrics == ("won", "won_mean")
    assert result.run_at == RESULT.run_at


def test_a_dbt_test_without_kpis_downstream_touches_those_upstream() -> None:
    run, manifest = _artifacts(_ran("values_are_sound", "fail", 1))
    assert from_dbt(run, manifest, {})[0].metrics == ("mrr", "won", "won_mean")


def test_the_given_metrics_of_a_relation_take_precedence() -> None:
    run, manifest = _artifacts(_ran("deal_is_sound", "fail", 1))
    assert from_dbt(run, manifest, {"core.core_deal": ["x"]})[0].metrics == ("x",)


def test_a_model_that_is_not_built_is_an_error_and_skipped_nodes_have_no_result() -> None:
    run, manifest = _artifacts(
        _ran("core_deal", "error", message="Binder Error:\n no such column"),
        _ran("kpi_won", "skipped"),
        _ran("kpi_mrr", "success"),
        _ran("deal_is_sound", "skipped"),
    )
    (result,) = from_dbt(run, manifest, {})
    assert result.check_id == "dbt.model.core_deal"
    assert (result.severity, result.passed) == ("error", False)
    assert "Binder Error: no such column" in result.message
    assert "models/core/core_deal.sql" in result.cure
    assert result.metrics == ("won", "won_mean")


@pytest.fixture
def extracted() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("create schema raw_shop")
    con.execute(
        "create table raw_shop._loaded_files (object varchar, source_file varchar, source_sha256 varchar, rows_read "
        "bigint, rows_quarantined bigint, unknown_columns varchar, loaded_at timestamptz, contract_sha256 varchar, "
        "_dlt_load_id varchar)"
    )
    con.execute(
        "create table raw_shop._quarantine (object varchar, reason varchar, source_file varchar, source_line bigint, "
        "source_sha256 varchar, _dlt_load_id varchar)"
    )
    return con


def _extract(con: duckdb.DuckDBPyConnection, tmp_path: Path, files: list[tuple[Any, ...]]) -> list[CheckResult]:
    staging = tmp_path / "dbt_project" / "models" / "staging" / "shop"
    staging.mkdir(parents=True)
    (staging / "_sources.yml").write_text(
        "sources: [{name: shop, schema: raw_shop, tables: [{name: deals, columns: "
        "[{name: a, data_type: date, description: A.}]}]}]\n"
    )
    for file in files:
        con.execute("insert into raw_shop._loaded_files values (?, ?, ?, ?, ?, ?, ?, 'contract', ?)", (*file, file[6]))
    settings = load_settings().model_copy(update={"project": tmp_path})
    return from_extract(con, settings, ["shop"], {"raw_shop.deals": ["won", "booked"]})


@pytest.mark.parametrize(
    ("bad", "severity", "passed"), [(0, "warning", True), (10, "warning", False), (11, "error", False)]
)
def test_quarantine_is_a_warning_and_above_a_share_an_error(
    bad: int, severity: str, passed: bool, extracted: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    old = ("deals", "a.csv", "old", 1000, 500, None, "2024-01-01")
    for line in range(bad):
        extracted.execute(
            "insert into raw_shop._quarantine values ('deals', 'no\nid', 'a.csv', ?, 'new', '2024-01-02')", [line + 2]
        )
    extracted.execute("insert into raw_shop._quarantine values ('deals', 'mended', 'a.csv', 9, 'old', '2024-01-01')")
    bad_rows, doubt, columns = _extract(
        extracted, tmp_path, [old, ("deals", "a.csv", "new", 1000, bad, None, "2024-01-02")]
    )
    assert (bad_rows.severity, bad_rows.passed, bad_rows.failures, bad_rows.checked) == (
        severity,
        passed,
        bad,
        1000,
    )
    assert bad_rows.metrics == ("booked", "won")
    assert "mended" not in bad_rows.message
    assert passed or f"no id ({bad}, first a.csv line 10)" in bad_rows.message or "first a.csv line" in bad_rows.message
    # The last good version of a record still counts, so the record may be in a figure.
    assert passed or bad_rows.message.endswith("Where an earlier good version of the record is held, that one counts.")
    assert "in no figure" not in bad_rows.message
    assert columns.passed
    assert doubt.passed


def test_a_reloaded_or_missing_file_does_not_count(extracted: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    insert = "insert into raw_shop._quarantine values ('deals', ?, ?, 2, 'same', ?)"
    for moment in ("2024-01-01", "2024-01-02"):
        extracted.execute(insert, ["no id", "a.csv", moment])
    extracted.execute(insert, ["no day", "b.csv", "2024-01-01"])
    loaded = (("a.csv", "01"), ("b.csv", "01"), ("a.csv", "02"), ("c.csv", "02"))
    files = [("deals", name, "same", 10, int(name != "c.csv"), None, f"2024-01-{day}") for name, day in loaded]
    quarantined, _, _ = _extract(extracted, tmp_path, files)
    assert (quarantined.failures, quarantined.checked) == (1, 20)
    assert "no id (1, first a.csv line 2)" in quarantined.message
    assert "no day" not in quarantined.message


@pytest.mark.parametrize(
    ("names", "failures", "message"),
    [
        (
            "colour, size",
            2,
            "shop.deals has 2 columns that its contract does not name, used in no figure: colour, size.",
        ),
        ('["colour, in words", "size"]', 2, "used in no figure: colour, in words, size."),
        (json.dumps([f"c{i}" for i in range(1200)]), 1200, "no figure: c0, c1, c10, c100, c1000, …."),
    ],
)
def test_an_unknown_column_is_a_warning(
    extracted: duckdb.DuckDBPyConnection, tmp_path: Path, names: str, failures: int, message: str
) -> None:
    *_, unknown_columns = _extract(extracted, tmp_path, [("deals", "a.csv", "new", 1, 0, names, "2024-01-02")])
    assert (unknown_columns.severity, unknown_columns.passed, unknown_columns.failures) == ("warning", False, failures)
    assert message in unknown_columns.message
    assert len(unknown_columns.message) < 200


def test_a_column_unknown_to_an_older_contract_is_no_warning(
    extracted: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    extracted.execute(
        "insert into raw_shop._loaded_files values "
        "('deals', 'page 7', 'old', 1, 0, 'colour', '2024-01-01', 'older', '1')"
    )
    *_, unknown_columns = _extract(extracted, tmp_path, [("deals", "page 1", "new", 1, 0, None, "2024-01-02")])
    assert unknown_columns.passed
