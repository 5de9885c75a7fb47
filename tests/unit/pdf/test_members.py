"""Tables by member: which members stand where, how they are compared, and with which digits."""

import re
from decimal import Decimal
from pathlib import Path

from scorecard.pdf.attachments import figures_csv
from scorecard.pdf.document import read_context, write_document
from tests.unit.pdf.changed_close import Change, OpenClose, changed_close
from tests.unit.pdf.printed import document


def test_ten_thousand_members_are_cut_on_the_page_and_whole_in_the_csv(
    december: Path, tmp_path: Path, reports: Path
) -> None:
    def many_reps(close: OpenClose) -> None:
        model, *_ = close.figures("sales_cycle_length", "2017-12", "rep")
        close.values.extend(
            {**model, "figure_id": f"F9{number:05}", "member": f"Rep {number:05}"} for number in range(10_000)
        )

    context = read_context(changed_close(december, tmp_path, many_reps), "en", reports)
    reps = next(block for block in write_document(context).breakdowns.tables if block.dimension == "Sales rep")
    assert (len(reps.top), len(reps.bottom)) == (12, 8)
    assert reps.gap is not None
    number = len(OpenClose(december).figures("sales_cycle_length", "2017-12", "rep"))
    assert f"{10_000 + number - 20:,} more" in reps.gap
    assert figures_csv(context).count(b"Rep 0") == 10_000


def _few(metric: str, dimension: str, period: str, number: int) -> Change:
    """Let the first members of a dimension have too few records."""

    def change(close: OpenClose) -> None:
        rows = close.figures(metric, period, dimension)
        for row in sorted(rows, key=lambda row: -(row["value"] or 0))[:number]:
            row |= {"value": None, "na_reason": "too_few_observations", "status": "na"}

    return change


def test_a_member_of_too_few_records_stands_last_and_is_not_named_as_a_cause(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    (whole,) = OpenClose(customers).figures("customer_satisfaction", "2024-Q4")
    assert whole["status"] == "off_track"
    close = changed_close(customers, tmp_path, _few("customer_satisfaction", "country", "2024-Q4", 99))
    doc = write_document(read_context(close, "en", reports))
    block = next(block for block in doc.breakdowns.tables if block.dimension == "Country")
    assert {row.value.text for row in block.top} == {"n/a"}
    assert dict(block.notes)[block.top[-1].value.note or ""] == "Too few records in Q4 2024 to be meaningful."
    card = next(
        card for group in doc.indicators.groups for card in group.cards if card.row.label == "Customer satisfaction"
    )
    assert card.exception is not None
    assert "contributed most" not in card.exception


def test_the_worst_of_many_members_have_a_value(december: Path, tmp_path: Path, reports: Path) -> None:
    few = _few("sales_cycle_length", "rep", "2017-12", 3)
    doc = write_document(read_context(changed_close(december, tmp_path, few), "en", reports))
    reps = next(block for block in doc.breakdowns.tables if block.dimension == "Sales rep")
    assert reps.gap is not None
    assert "n/a" not in [row.value.text for row in (*reps.top, *reps.bottom)]


def test_what_is_not_known_is_neither_best_nor_worst(sales: Path, tmp_path: Path, reports: Path) -> None:
    def unknown(close: OpenClose) -> None:
        highest = max(close.figures("win_rate", "2017-Q4", "team"), key=lambda row: row["value"])
        highest["member"] = "unknown"

    doc = write_document(read_context(changed_close(sales, tmp_path, unknown), "en", reports))
    teams = next(block for block in doc.breakdowns.tables if block.dimension == "Team")
    assert [row.name for row in (*teams.top, *teams.bottom)].index("Unknown") == len(teams.top) + len(teams.bottom) - 1


def test_what_a_member_had_none_of_before_is_not_called_missing(customers: Path) -> None:
    movements = OpenClose(customers).figures("mrr_movement", dimension="movement")
    periods = {row["period"] for row in movements if row["member"] == "reactivation"}
    assert "2024-Q4" in periods
    assert "2024-Q3" not in periods
    doc = document(customers, "en")
    block = next(block for block in doc.breakdowns.tables if block.dimension == "Kind")
    (row,) = [row for row in block.top if row.name == "Reactivation"]
    assert row.vs_prior.text == "n/a"
    assert dict(block.notes)[row.vs_prior.note or ""] == "Nothing in Q3 2024 to compare with."


def test_a_movement_is_compared_by_difference_and_few_records_in_no_percentage(
    customers: Path, tmp_path: Path, reports: Path
) -> None:
    def churned(close: OpenClose) -> None:
        for row in close.figures("mrr_movement", "2024-Q4", "movement"):
            if row["member"] == "contraction":
                row |= {"value": Decimal(0), "numerator": Decimal(0), "prior_value": Decimal(-21000)}
                row |= {"change": Decimal(21000), "change_ratio": Decimal(1)}
        for row in close.figures("mrr", "2024-Q3", "product"):
            if row["member"] == "Pro":
                row |= {"observations": 4}

    doc = write_document(read_context(changed_close(customers, tmp_path, churned), "en", reports))
    kinds = next(block for block in doc.breakdowns.tables if block.dimension == "Kind")
    changes = {row.name: row.vs_prior.text.replace("\u00a0", " ") for row in (*kinds.top, *kinds.bottom)}
    assert changes["Contraction"] == "+0.02 M"
    assert not [text for text in changes.values() if "%" in text]
    products = next(block for block in doc.breakdowns.tables if block.dimension == "Product")
    (pro,) = [row for row in products.top if row.name == "Pro"]
    assert pro.vs_prior.text == "n/a"
    assert dict(products.notes)[pro.vs_prior.note or ""] == "Too few records in Q3 2024 for a percentage."


def test_members_and_their_whole_are_in_one_unit(close: Path, language: str) -> None:
    doc = document(close, language)
    unit = {"en": "M", "ja": "万"}[language]
    amounts = 0
    for block in (doc.summary.breakdown, *doc.breakdowns.tables):
        assert block is not None
        rows = [*block.top, *block.bottom, *([block.total] if block.total else [])]
        units = {re.sub(r"[−+\d.,\s]", "", row.value.text) for row in rows if row.value.tone != "na"}
        assert len(units) == 1, (block.title, units)
        amounts += units == {unit}
    assert amounts >= 2


def test_a_baseline_that_is_only_drawn_asks_for_no_digits(sales: Path, tmp_path: Path, reports: Path) -> None:
    def small_before(close: OpenClose) -> None:
        for row in close.figures("booked_revenue", dimension="region"):
            if row["prior_value"]:
                row |= {"prior_value": Decimal(4362)}

    doc = write_document(read_context(changed_close(sales, tmp_path, small_before), "en", reports))
    regions = next(block for block in doc.breakdowns.tables if block.dimension == "Region")
    assert regions.total is not None
    (revenue,) = [row for group in doc.summary.groups for row in group.rows if row.label == "Booked revenue"]
    assert regions.total.value.text == revenue.value.text
