"""The command line as a program calls it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from scorecard.steps import trace
from tests.conftest import Sandbox
from tests.unit.pdf.printed import ids_of, provenance

VALUE_KEYS = {
    "metric",
    "grain",
    "period",
    "scope",
    "dimension",
    "member",
    "numerator",
    "denominator",
    "value",
    "at_most",
    "longer_than",
    "status",
    "target",
    "observations",
    "na_reason",
    "partial",
    "figure_id",
}


@pytest.mark.parametrize("period", ["2017", "2017-Q4", "2017-12", "2017-W52", "2017-12-31"])
def test_values_of_every_grain(built: Sandbox, period: str) -> None:
    done = built.run("values", "--json", "--metric", "booked_revenue", "--period", period, "--by", "business_unit")
    (value,) = json.loads(done.stdout)
    assert value.keys() == VALUE_KEYS
    assert value["period"] == period
    assert Decimal(value["value"]) > 0


def test_the_anchors(built: Sandbox) -> None:
    won, revenue = (
        json.loads(built.run("values", "--json", "--metric", metric, "--period", "2017", "--by", "company").stdout)[0]
        for metric in ("won_deals", "booked_revenue")
    )
    assert (won["value"], revenue["value"]) == ("4238", "10005534")


def test_a_figure_id_is_null_where_no_close_holds_the_figure(built: Sandbox) -> None:
    inside, outside = (
        json.loads(built.run("values", "--json", "--metric", "win_rate", "--period", period, "--by", "region").stdout)
        for period in ("2017-Q4", "2017-W20")
    )
    assert all(re.fullmatch(r"sales-2017-Q4-e1\.F\d+|sales-2017-12-e1\.F\d+", row["figure_id"]) for row in inside)
    assert all(row["figure_id"] is None for row in outside)


def test_every_closed_figure_is_proved(built: Sandbox) -> None:
    figures = {}
    for period in ("2017-Q4", "2024-Q4"):
        for value in json.loads(built.run("values", "--json", "--period", period).stdout):
            if value["figure_id"] and value["dimension"] == "business_unit":
                figures[value["metric"]] = value
    assert len(figures) > 20
    for metric, value in figures.items():
        proof = trace(built.settings, value["figure_id"])
        assert proof["equal"], metric
        assert proof["value"] == proof["recomputed"] == value["value"], f"{metric}: the same value, the same digits"
        assert {"observations", "sql", "columns", "loads", "close", "recomputed"} <= proof.keys()
        assert (
            not proof["observations"]
            or {"source", "object", "record_id", "file", "line", "occurred_at", "numerator", "denominator"}
            <= proof["observations"][0].keys()
        )


def test_the_command_prints_the_same_proof(built: Sandbox) -> None:
    printed = json.loads(built.run("trace", "sales-2017-Q4-e1.F001", "--json").stdout)
    assert printed == json.loads(json.dumps(trace(built.settings, "sales-2017-Q4-e1.F001"), default=str))
    assert printed["equal"]


def test_every_id_of_every_sample_pdf_and_mail_is_in_its_provenance(built: Sandbox) -> None:
    pdfs = {path.name: path.read_bytes() for path in built.settings.out.glob("*.pdf")}
    assert len(pdfs) >= 6
    for name, content in pdfs.items():
        assert len(ids_of(content)) > 40, name
        assert ids_of(content) <= provenance(content).keys(), name
    bodies = 0
    for path in built.settings.out.rglob("mail/**/new/*"):
        letter = message_from_bytes(path.read_bytes(), policy=default)
        (attached,) = letter.iter_attachments()
        text = letter.get_body(("plain",)).get_content()
        (named,) = re.findall(r"scorecard trace \S+\.(F\d+)", text)
        assert named in provenance(attached.get_content())
        bodies += 1
    assert bodies >= 6


def test_metrics_tell_their_whole_meaning(built: Sandbox) -> None:
    metrics = json.loads(built.run("metrics", "--json").stdout)
    assert {"win_rate", "mrr", "sales_cycle_length_p90"} <= {metric["name"] for metric in metrics}
    for metric in metrics:
        assert metric["label"]["en"]
        assert metric["definition"]["en"]
        assert metric["formula"]


def test_render_gives_the_bytes_that_were_mailed(built: Sandbox, tmp_path: Path) -> None:
    again = tmp_path / "again.pdf"
    built.run("render", "sales-2017-Q4-e1", "--language", "ja", "--output", str(again))
    assert again.read_bytes() == (built.settings.out / "sales-2017-Q4-e1-ja.pdf").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["values", "--period", "2017-Q5"], 2, "2017-Q4"),
        (["values", "--metric", "nothing"], 2, "win_rate"),
        (["values", "--by", "planet"], 2, "region"),
        (["run", "--scorecard", "nothing"], 2, "customers"),
        (["nonsense"], 2, "nonsense"),
        (["values", "--period", "9999-12-31"], 2, "is not a period"),
        (["render", "../../etc", "--language", "en", "--output", "x.pdf"], 1, "scorecard closes"),
        (["render", "sales-2017-Q4-e1", "--language", "en", "--output", "/dev/null"], 1, "is not a file"),
        (["trace", "sales-2017-Q4-e1.F999999"], 1, "scorecard values"),
        (["trace", "nothing"], 2, "is not a figure id"),
        (["run", "--period", "2017"], 2, "No scorecard is published by year"),
        (["run", "--period", "2017-W52", "--scorecard", "sales"], 2, "sales is not published by week"),
        (["render", "sales-1999-Q4-e1", "--language", "en", "--output", "x.pdf"], 1, "scorecard closes"),
        (["publish", "--scorecard", "sales", "--period", "1999-Q4"], 1, "no data"),
    ],
)
def test_errors_are_sentences_with_a_cure(built: Sandbox, arguments: list[str], code: int, says: str) -> None:
    done = built.run(*arguments, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_period_of_which_little_is_known_is_published_all_the_same(copy_of: Callable[[str], Sandbox]) -> None:
    """The first quarter has no target, no period before it and no year."""
    sandbox = copy_of("first quarter")
    done = json.loads(sandbox.run("publish", "--scorecard", "sales", "--period", "2017-Q1", "--json").stdout)
    assert [entry["close_id"] for entry in done] == ["sales-2017-Q1-e1"]


def test_words_of_other_scripts_reach_a_terminal_that_knows_none(built: Sandbox) -> None:
    env = {**built.env, "PYTHONIOENCODING": "latin-1", "LC_ALL": "C"}
    done = replace(built, env=env).run("metrics", "--json")
    assert json.loads(done.stdout)
