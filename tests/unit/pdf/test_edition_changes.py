"""What a second edition says of what it changes, and how it prints what was restated."""

from pathlib import Path
from typing import Any

from scorecard.pdf import html, mail_summary
from scorecard.pdf.document import read_context, write_document
from tests.unit.pdf.changed_close import OpenClose, changed_close
from tests.unit.pdf.printed import document


def _edition_two(sales: Path, tmp_path: Path, entries: list[dict[str, Any]]) -> Path:
    def replaced(close: OpenClose) -> None:
        close.restatements.extend(entries)
        close.manifest["edition"] = 2

    return changed_close(sales, tmp_path, replaced)


def _restated(metric: str, dimension: str, old: str, new: str) -> dict[str, Any]:
    place = {"grain": "quarter", "period": "2017-Q4", "dimension": dimension, "member": "all", "figure_id": "F001"}
    change = {"field": "value", "why": "record changed", "reasons": ["record changed"]}
    return {"metric": metric, **place, **change, "old": old, "new": new}


def test_a_restated_figure_is_printed_with_old_new_and_why(sales: Path, reports: Path, tmp_path: Path) -> None:
    entry = {
        **{
            "metric": "booked_revenue",
            "grain": "quarter",
            "period": "2017-Q4",
            "dimension": "company",
            "member": "all",
        },
        **{"field": "value", "old": "2700000", "new": "2802496", "why": "late record", "reasons": ["late record"]},
    }
    entries = [
        *({"figure_id": f"F{n:03}", "printed": True, **entry} for n in range(1, 42)),
        *({"figure_id": f"F9{n:03}", "printed": False, **entry} for n in range(40)),
        {"figure_id": "F002", **entry, "field": "records", "old": "2802496"},
    ]
    close = changed_close(sales, tmp_path, lambda close: close.restatements.extend(entries))
    doc = write_document(read_context(close, "ja", reports))
    assert (
        doc.edition_changes.restated[0].old,
        doc.edition_changes.restated[0].new,
        doc.edition_changes.restated[0].why,
    ) == (
        "270万",
        "280万",
        "記録の遅延到着",
    )
    assert len(doc.edition_changes.restated) == 41, "all that were printed before"
    assert doc.edition_changes.notes == (
        "ほかに、前版に印字されていない数値40件が変わった。添付の provenance.json に一覧がある。",
        "1件の数値は、元の記録が入れ替わったが、差し引き0で値は変わらない。",
    )


def test_old_and_new_of_a_restatement_are_in_one_unit_and_of_a_named_period(
    sales: Path, reports: Path, tmp_path: Path
) -> None:
    rows = [
        _restated("booked_revenue", "business_unit", "999000", "1250000"),
        _restated("sales_cycle_length", "business_unit", "49.5", "51"),
    ]
    close = _edition_two(sales, tmp_path, rows)
    shown = write_document(read_context(close, "en", reports)).edition_changes.restated
    assert [(row.old.replace("\u00a0", " "), row.new.replace("\u00a0", " ")) for row in shown] == [
        ("1.00 M", "1.25 M"),
        ("50 days", "51 days"),
    ]
    assert {row.period for row in shown} == {"Q4 2017"}
    assert write_document(read_context(close, "ja", reports)).edition_changes.restated[0].period == "2017年第4四半期"
    assert write_document(read_context(close, "ja", reports)).proof.figures[0].what.endswith("2017年第4四半期")


def test_a_second_edition_says_on_its_first_page_what_it_changes(sales: Path, reports: Path, tmp_path: Path) -> None:
    assert document(sales, "en").edition_changes.summary is None
    rows = [
        _restated("win_rate", "rep", "0.5", "0.6"),
        _restated("booked_revenue", "business_unit", "2802496", "2801985"),
        _restated("win_rate", "team", "0.60301", "0.60304"),
    ]
    close = _edition_two(sales, tmp_path, rows)
    doc = write_document(read_context(close, "en", reports))
    sentence = (
        "Edition 2 replaces the one before: 3 printed figures differ, first of all of booked revenue and win rate."
    )
    assert doc.edition_changes.summary == sentence
    assert mail_summary(close, "en", reports).edition == sentence
    assert mail_summary(close, "en", reports).edition_mark == ", edition 2"
    assert mail_summary(close, "ja", reports).edition_mark == "（第2版）"
    assert sentence in html(close, "en", reports)
    shown = {(row.old, row.new) for row in doc.edition_changes.restated}
    assert ("2,802,496.00", "2,801,985.00") in shown, "2.80 M and 2.80 M would say nothing"
    assert ("60.3010\u00a0%", "60.3040\u00a0%") in shown


def test_a_second_edition_without_other_figures_says_so(sales: Path, reports: Path, tmp_path: Path) -> None:
    doc = write_document(read_context(_edition_two(sales, tmp_path, []), "en", reports))
    assert doc.edition_changes.summary is not None
    assert "no figure differs" in doc.edition_changes.summary
    assert "check" not in doc.edition_changes.summary, "of a close that does not say it"


def test_a_second_edition_names_what_else_a_reader_sees(sales: Path, reports: Path, tmp_path: Path) -> None:
    check = {"field": "check", "check_id": "c1", "name": "amounts", "seen": True}
    rows = [
        {**check, "old": "passed", "new": "failed"},
        {**check, "old": "failed", "new": "passed"},
        {**check, "old": "failed", "new": None},
        {**check, "old": "failed", "new": "failed"},
        {"field": "action", "metric": "win_rate", "old": "Call", "new": None, "seen": True},
        {"field": "indicator", "metric": "win_rate", "dimension": None, "old": None, "new": "shown", "seen": True},
        {**_restated("won_deals", "rep", "1", "2"), "printed": False},
    ]
    close = _edition_two(sales, tmp_path, rows)
    doc = write_document(read_context(close, "en", reports))
    assert doc.edition_changes.summary == (
        "Edition 2 replaces the one before: 1 figure differs that was not printed; 1 check has another outcome and "
        "fails now; 1 check still fails, with other marks; 2 checks fail no more; "
        "1 action changed; what is shown of win rate changed."
    )
    assert doc.edition_changes.restated == ()
    assert 'href="#restated"' in html(close, "ja", reports)
