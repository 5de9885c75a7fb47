"""Rules run in place, safely and once. A rule that can't run never passes."""

import csv
import html
import json
import re
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from scorecard.checks.gx import check
from scorecard.checks.results import CheckResult
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

RULES = """
objects:
  deals:
    key: [id]
    rules:
      - check: amount_is_present
        expect: expect_column_values_to_not_be_null
        kwargs: {column: amount}
        severity: warning
        why: An amount is needed.
        cure: Enter it.
      - check: name_is_known
        expect: unexpected_rows_expectation
        kwargs:
          unexpected_rows_query: select * from {batch} as deal where name not in (select name from <names>)
        severity: error
        in_doubt: [name]
        found: "{failures} of {checked} deals have an unknown name, first {first}."
        facts: select min(name) as first from <deals> where name not in (select name from <names>)
        why: A name is needed.
        cure: Add it.
  names:
    rules: []
"""
WORDS = """
msgctxt "shop.deals"
msgid "amount is present"
msgstr "金額がある"

msgid "An amount is needed."
msgstr "金額は必要。"

msgid "Enter it."
msgstr "入力する。"
"""
TABLES = (
    "create schema raw_shop",
    """create table raw_shop.deals as select *, null::timestamptz as _valid_to from (values
    ('a', 1, 'Ann'), ('b', null, 'Ann'), ('c', null, e'Eve\\r\\n\u202e<script>')) as t (id, amount, name)""",
    "create table raw_shop.names as select 'Ann' as name, null::timestamptz as _valid_to",
)
CASES = Path(__file__).parents[2] / "cases"
METRICS = {"raw_shop.deals": ["booked", "won"]}


@pytest.fixture
def shop(company: Callable[..., Settings], project: Path) -> Callable[..., Settings]:
    def make(*changes: str, rules: str = RULES) -> Settings:
        (project / "expectations" / "shop.yml").write_text(rules, encoding="utf-8")
        own = project / "reports" / "locales" / "ja" / "LC_MESSAGES" / "company.po"
        own.write_text(WORDS, encoding="utf-8")
        return company(None, *TABLES, *changes, project=project)

    return make


def _by_check(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.check_id.removeprefix("shop."): result for result in results}


def test_a_failure_is_counted_and_has_the_same_examples_each_time(shop: Callable[..., Settings]) -> None:
    result = _by_check(check.check_raw(shop(), ["shop"], METRICS))["deals.amount_is_present"]
    assert (result.severity, result.passed, result.failures, result.checked) == ("warning", False, 2, 3)
    assert result.message == "2 of 3 rows break it. For example b, c. An amount is needed."
    assert result.cure == "Enter it."
    assert result.metrics == ("booked", "won")
    assert result.words == {
        "ja": {"name": "金額がある", "message": "3行のうち2行が該当する。例：b、c。金額は必要。", "cure": "入力する。"}
    }


def test_text_from_the_data_is_harmless_in_a_message(shop: Callable[..., Settings]) -> None:
    result = _by_check(check.check_raw(shop(), ["shop"], METRICS))["deals.name_is_known"]
    assert result.message.startswith("1 of 3 deals have an unknown name, first Eve <script>.")


def test_a_failure_puts_in_doubt_what_its_rule_names(shop: Callable[..., Settings]) -> None:
    results = _by_check(check.check_raw(shop(), ["shop"], METRICS))
    by_argument, by_declaration = results["deals.amount_is_present"].doubt, results["deals.name_is_known"].doubt
    assert by_argument is not None
    assert by_declaration is not None
    assert (by_argument.columns, by_declaration.columns) == (
        (("raw_shop.deals", "amount"),),
        (("raw_shop.deals", "name"),),
    )
    assert results["deals.has_rows"].doubt is None, "the check is about whole rows"
    by_query = RULES.replace("        in_doubt: [name]\n", "").replace(
        "where name not", "where amount is null and name not"
    )
    read = _by_check(check.check_raw(shop(rules=by_query), ["shop"], METRICS))["deals.name_is_known"].doubt
    assert read is not None
    assert read.columns == (("raw_shop.deals", "amount"), ("raw_shop.deals", "name"))
    assert read.rows is not None
    elsewhere = RULES.replace("in_doubt: [name]", "in_doubt: [names.name, core_deal.is_won]")
    named = _by_check(check.check_raw(shop(rules=elsewhere), ["shop"], METRICS))["deals.name_is_known"].doubt
    assert named is not None
    assert named.columns == (("raw_shop.names", "name"), ("core.core_deal", "is_won"))


def test_a_rule_that_cannot_be_run_is_an_error_and_leaves_the_others_alone(shop: Callable[..., Settings]) -> None:
    results = _by_check(check.check_raw(shop("alter table raw_shop.deals drop column name"), ["shop"], METRICS))
    broken = results["deals.name_is_known"]
    assert (broken.severity, broken.passed) == ("error", False)
    assert broken.message.startswith("It could not be checked:")
    assert broken.doubt is None, "its failures are unknown"
    assert results["deals.amount_is_present"].failures == 2

    results = _by_check(check.check_raw(shop("alter table raw_shop.deals drop column amount"), ["shop"], METRICS))
    broken = results["deals.amount_is_present"]
    assert (broken.severity, broken.passed) == ("error", False)


@pytest.mark.parametrize(
    ("change", "message"),
    [("drop table raw_shop.deals", "cannot be read"), ("delete from raw_shop.deals", "has no rows")],
)
def test_an_object_that_is_missing_or_empty_is_an_error(
    change: str, message: str, shop: Callable[..., Settings]
) -> None:
    result = _by_check(check.check_raw(shop(change), ["shop"], METRICS))["deals.has_rows"]
    assert (result.severity, result.passed, result.metrics) == ("error", False, ("booked", "won"))
    assert message in result.message


def test_an_unchanged_suite_is_not_checked_again(
    shop: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = shop()
    first = check.check_raw(settings, ["shop"], METRICS)

    def fail(*_: object) -> list[CheckResult]:
        raise AssertionError("checked again")

    with monkeypatch.context() as patch:
        patch.setattr(check, "run_suite", fail)
        assert check.check_raw(settings, ["shop"], METRICS) == first
        with pytest.raises(AssertionError, match="checked again"):
            check.check_raw(settings, ["shop"], {"raw_shop.deals": ["other"]})
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("update raw_shop.deals set amount = 2 where id = 'b'")
    assert _by_check(check.check_raw(settings, ["shop"], METRICS))["deals.amount_is_present"].failures == 1


def test_a_damaged_file_of_results_is_ignored(shop: Callable[..., Settings]) -> None:
    settings = shop()
    first = check.check_raw(settings, ["shop"], METRICS)
    kept = settings.state / "gx" / "shop.json"
    kept.write_text(kept.read_text()[:50])
    again = check.check_raw(settings, ["shop"], METRICS)
    assert [result.message for result in again] == [result.message for result in first]
    assert json.loads(kept.read_text())["results"]


def test_the_warehouse_is_closed_and_unchanged_afterwards(shop: Callable[..., Settings]) -> None:
    settings = shop()
    before = settings.warehouse.read_bytes()
    check.check_raw(settings, ["shop"], METRICS)
    assert settings.warehouse.read_bytes() == before
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create table raw_shop.more as select 1 as one")


class _Page(HTMLParser):
    """The elements and the text of a page, as a browser reads it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.policy = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        assert not any(name.startswith("on") or name == "src" for name in given)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""

    def handle_data(self, data: str) -> None:
        self.text += data


def test_pages_show_rules_and_results_without_a_network(shop: Callable[..., Settings]) -> None:
    settings = shop()
    check.check_raw(settings, ["shop"], METRICS)
    docs = settings.out / "data_docs" / "shop"
    index, deals = _Page(docs / "index.html"), _Page(docs / "deals.html")
    assert "2 of 3 rows break it. For example b, c. An amount is needed." in index.text
    assert "first Eve <script>" in index.text
    assert 'href="deals.html"' in (docs / "index.html").read_text(encoding="utf-8")
    assert "amount is present" in deals.text
    assert "An amount is needed." in deals.text
    for page in (index, deals):
        assert not page.tags & {"script", "link", "img", "iframe", "object"}
        assert page.policy.startswith("default-src 'none'; style-src 'sha256-")


def test_a_page_has_a_query_of_the_rows_that_break_a_rule(shop: Callable[..., Settings]) -> None:
    settings = shop()
    check.check_raw(settings, ["shop"], METRICS)
    page = (settings.out / "data_docs" / "shop" / "deals.html").read_text(encoding="utf-8")
    queries = re.findall(r"Query of the rows</th><td><pre>(.*?)</pre>", page, re.DOTALL)
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows = [connection.execute(html.unescape(query)).fetchall() for query in queries]
    assert sorted([row[0] for row in broken] for broken in rows) == [["b", "c"], ["c"]]


def test_markup_in_a_value_is_shown_as_text_and_hides_nothing(shop: Callable[..., Settings]) -> None:
    """The sector of a customer is markup. The pages of Great Expectations would run it."""
    with (CASES / "accounts_with_markup.csv").open(encoding="utf-8", newline="") as file:
        accounts = list(csv.DictReader(file))
    unknown = [account["sector"] for account in accounts]
    assert sum("<" in sector for sector in unknown) == 2
    rows = ", ".join(f"($${account['account']}$$, $${account['sector']}$$)" for account in accounts)
    rules = """
objects:
  accounts:
    key: [account]
    rules:
      - check: sector_is_known
        expect: expect_column_values_to_be_in_set
        kwargs: {column: sector, value_set: [retail, software, medical]}
        severity: error
        why: A sector is one of a list.
        cure: Correct it.
      - check: sector_is_there
        expect: expect_column_values_to_not_be_null
        kwargs: {column: sector}
        severity: error
        why: A sector is needed.
        cure: Enter it.
"""
    settings = shop(
        f"create table raw_shop.accounts as select *, null::timestamptz as _valid_to"
        f" from (values {rows}) as t (account, sector)",
        rules=rules,
    )
    known = _by_check(check.check_raw(settings, ["shop"], {"raw_shop.accounts": ["won"]}))["accounts.sector_is_known"]
    assert known.failures == 3
    page = _Page(settings.out / "data_docs" / "shop" / "accounts.html")
    for value in unknown:
        assert f"{value} (1)" in page.text
    assert not page.tags & {"script", "img", "svg"}
    assert "✗ fails" in page.text
    assert "sector is there" in page.text


def test_nothing_is_printed(shop: Callable[..., Settings], capfd: pytest.CaptureFixture[str]) -> None:
    check.check_raw(shop("alter table raw_shop.deals drop column name"), ["shop"], METRICS)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("expect_column_values_to_not_be_null", "expect_the_best", "shop.deals.amount_is_present"),
        ("severity: warning", "severity: fatal", "`severity` is 'fatal'. Choose one of: error, warning"),
        ("        cure: Enter it.\n", "", "lacks `cure`"),
        ("check: name_is_known", "check: amount_is_present", "Duplicate check amount_is_present in deals"),
        ("<names>)\n        severity", "<nobody>)\n        severity", "Unknown name <nobody>"),
        ("check: name_is_known", "check: Name is known", "`check` is 'Name is known'"),
        ("objects:", "things:", "The file lacks `objects`"),
        ("objects:", "units: {}\nobjects:", "Unknown key `units` in the file"),
        ("    rules:", "    keys: [x]\n    rules:", "Unknown key `keys` in `deals`. Write key"),
        (
            "severity: warning",
            "severity: warning\n        fund: x",
            "Unknown key `fund` in entry 1 of `rules`. Write found",
        ),
    ],
)
def test_a_wrong_file_of_rules_is_named_with_its_cure(
    old: str, new: str, message: str, shop: Callable[..., Settings]
) -> None:
    with pytest.raises(ScorecardError, match=message) as caught:
        check.check_raw(shop(rules=RULES.replace(old, new)), ["shop"], METRICS)
    assert caught.value.cure


def test_a_warehouse_that_is_missing_or_no_warehouse_is_an_error_with_a_cure(
    shop: Callable[..., Settings],
) -> None:
    settings = shop()
    settings.warehouse.write_bytes(b"not a database" * 1000)
    with pytest.raises(ScorecardError, match="cannot be read"):
        check.check_raw(settings, ["shop"], METRICS)
    settings.warehouse.unlink()
    with pytest.raises(ScorecardError, match="There is no warehouse"):
        check.check_raw(settings, ["shop"], METRICS)


def test_a_source_without_rules_has_no_results(shop: Callable[..., Settings]) -> None:
    assert check.check_raw(shop(), ["another"], METRICS) == []


def test_great_expectations_still_has_its_fault(shop: Callable[..., Settings]) -> None:
    """If this fails, Great Expectations keeps its connections: delete datasource.py and call add_sql."""
    settings = shop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations
        from great_expectations.data_context.types.base import ProgressBarsConfig

        context = great_expectations.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        plain = context.data_sources.add_sql(
            "plain",
            connection_string=f"duckdb:///{settings.warehouse}",
            kwargs={"connect_args": {"read_only": True}},
        )
        asset = plain.add_query_asset("deals", "select * from raw_shop.deals")
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        outcome = batch.validate(great_expectations.expectations.ExpectColumnValuesToNotBeNull(column="id"))
        plain.get_execution_engine().close()
        plain.get_engine().dispose()
    assert not outcome.success
    assert "list index out of range" in str(outcome.exception_info)
