"""A close lists the provisional figures of the period before that are final now, with their printed ranges."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scorecard.closes.restatement_causes import ComparedDefinitions
from scorecard.closes.restatements import _changed, newly_final

FINE = pa.decimal128(38, 8)
Figure = tuple[str, str, str | None, str | None]


def _close(folder: Path, figures: list[Figure], with_ranges: bool = True) -> Path:
    """Write the values of a close. A figure of churn has its id, period, value and upper end."""
    folder.mkdir()
    decimal = lambda numbers: pa.array([number and Decimal(number) for number in numbers], FINE)  # noqa: E731
    columns = {
        "figure_id": [figure[0] for figure in figures],
        "metric": ["churn"] * len(figures),
        "grain": ["month"] * len(figures),
        "period": [figure[1] for figure in figures],
        "dimension": ["business_unit"] * len(figures),
        "member": ["SaaS"] * len(figures),
        "value": decimal([figure[2] for figure in figures]),
        **({"at_most": decimal([figure[3] for figure in figures])} if with_ranges else {}),
    }
    pq.write_table(pa.table(columns), folder / "values.parquet")
    return folder


def test_a_provisional_figure_that_is_final_now_is_listed_once(tmp_path: Path) -> None:
    before = _close(tmp_path / "june", [("F001", "2024-06", "0.1", "0.2"), ("F002", "2024-05", "0.3", "0.4")])
    now = _close(tmp_path / "july", [("F001", "2024-07", "0.05", "0.06"), ("F009", "2024-06", "0.2", None)])
    (entry,) = newly_final(before, now, "2024-06")
    assert (entry["figure_id"], entry["metric"], entry["period"], entry["field"]) == (
        *("F009", "churn", "2024-06"),
        "final",
    )
    assert [Decimal(entry[name]) for name in ("old", "old_at_most", "new")] == [
        Decimal("0.1"),
        Decimal("0.2"),
        Decimal("0.2"),
    ]


def test_a_figure_that_is_still_provisional_or_was_final_is_not_listed(tmp_path: Path) -> None:
    still_open = _close(tmp_path / "open", [("F001", "2024-06", "0.1", "0.2")])
    assert newly_final(still_open, still_open, "2024-06") == []
    final = _close(tmp_path / "final", [("F001", "2024-06", "0.2", None)])
    assert newly_final(final, final, "2024-06") == []


def test_a_close_of_the_first_release_has_nothing_provisional(tmp_path: Path) -> None:
    before = _close(tmp_path / "june", [("F001", "2024-06", "0.1", None)], with_ranges=False)
    now = _close(tmp_path / "july", [("F009", "2024-06", "0.2", None)])
    assert newly_final(before, now, "2024-06") == []


DEFINITIONS = ComparedDefinitions(({"churn": {"model": "kpi_churn"}}, {"churn": {"model": "kpi_churn"}}), ({}, {}))


def _row(old: tuple[str, str | None, str], new: tuple[str, str | None, str]) -> dict[str, object]:
    """Return a figure in two editions, each with its value, upper end and status."""
    row: dict[str, object] = {"metric": "churn", "in_old": True, "in_new": True}
    for edition, (value, at_most, status) in (("old", old), ("new", new)):
        row |= {f"{edition}_value": Decimal(value), f"{edition}_at_most": at_most and Decimal(at_most)}
        row |= {f"{edition}_longer_than": None}
        row |= {f"{edition}_status": status, f"{edition}_target": None, f"{edition}_is_complete": True}
    return row


def test_a_value_within_its_printed_range_only_became_final() -> None:
    renewed = _row(("0.1", "0.2", "na"), ("0.1", None, "ahead"))
    assert list(_changed(renewed, [], DEFINITIONS)) == [("at_most", ["window ended"]), ("status", ["window ended"])]
    lost = _row(("0.1", "0.2", "na"), ("0.2", None, "off_track"))
    assert list(_changed(lost, ["window ended"], DEFINITIONS)) == [("value", ["window ended"])]


def test_a_range_that_grew_has_changed() -> None:
    more_in_grace = _row(("0.1", "0.2", "na"), ("0.1", "0.3", "na"))
    assert list(_changed(more_in_grace, ["late record"], DEFINITIONS)) == [
        ("records", ["late record"]),
        ("at_most", ["late record"]),
    ]
