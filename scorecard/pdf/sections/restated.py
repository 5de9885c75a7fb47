"""What an edition changes: the figures that the one before printed otherwise, and everything else a reader sees."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from scorecard.pdf.document import Restated
from scorecard.pdf.page.close_data import WHOLE
from scorecard.pdf.page.context import STATUSES, Desk
from scorecard.pdf.page.fonts import visible

_NAMED = 3
_FIGURE = ("value", "at_most", "longer_than", "target", "status")
Row = dict[str, Any]


def restatements(desk: Desk) -> tuple[Restated, ...]:
    """Return every figure that the edition before printed otherwise. Call it when all tables are written."""
    return tuple(_restated(desk, row) for row in _figures(desk, printed=True))


def finals(desk: Desk) -> tuple[str, ...]:
    """Say what has become of figures of the period before that its own scorecard printed as provisional."""
    return tuple(_final(desk, row) for row in _of_field(desk, "final") if row["dimension"] == WHOLE)


def _final(desk: Desk, row: Row) -> str:
    metric = desk.close.metrics[str(row["metric"])]
    low, high, new = (Decimal(str(row[key])) for key in ("old", "old_at_most", "new"))
    scale = desk.formats.scale(metric.unit, [low, high, new])
    return desk.say(
        "quality.final",
        metric=metric.label,
        period=desk.period(desk.close.prior),
        value=desk.formats.value(new, scale),
        was=desk.formats.range(low, high, scale),
    )


def restated_notes(desk: Desk) -> tuple[str, ...]:
    """Say how many figures differ that no page printed, and how many are the same but of other records."""
    counts = {
        "restated.others": len(_figures(desk, printed=False)),
        "restated.records": len(_of_field(desk, "records")),
    }
    return tuple(
        desk.wording.count(key, number, number=desk.formats.count(number)) for key, number in counts.items() if number
    )


def edition_mark(desk: Desk) -> str:
    """Return what a mail's subject says after the period of an edition that replaces another; "" of the first."""
    edition = desk.close.edition
    return "" if edition == 1 else desk.say("edition.mark", edition=desk.formats.count(edition))


def edition(desk: Desk) -> str | None:
    """Say what an edition that replaces another one changes; None of the first. Call it when all tables are written."""
    if desk.close.edition == 1:
        return None
    number = desk.formats.count(desk.close.edition)
    changes = list(_changes(desk)) or [desk.say("edition.nothing")]
    return desk.say("edition.replaces", edition=number, changes=desk.say("edition.separator").join(changes))


def _changes(desk: Desk) -> Iterator[str]:
    printed = _figures(desk, printed=True)
    if printed:
        yield _counted(desk, "edition.figures", len(printed), metrics=_labels(desk, printed))
    if others := _figures(desk, printed=False):
        yield _counted(desk, "edition.others_too" if printed else "edition.others", len(others))
    if over := _of_field(desk, "is_complete"):
        yield desk.say("edition.over", metrics=_labels(desk, over))
    checks = _of_field(desk, "check")
    outcomes = Counter(_outcome(row) for row in checks)
    for key in ("edition.checks_fail", "edition.checks_mark", "edition.checks_hold"):
        if number := outcomes[key]:
            yield _counted(desk, key, number)
    if actions := _of_field(desk, "action"):
        yield _counted(desk, "edition.actions", len(actions))
    if shown := [*_of_field(desk, "indicator"), *_of_field(desk, "breakdown")]:
        yield desk.say("edition.shown", metrics=_labels(desk, shown))


def _outcome(row: Row) -> str:
    """Return the words for a check of which a reader sees something else."""
    if row["new"] != "failed":
        return "edition.checks_hold"
    return "edition.checks_mark" if row["old"] == "failed" else "edition.checks_fail"


def _counted(desk: Desk, key: str, number: int, **values: object) -> str:
    return desk.wording.count(key, number, number=desk.formats.count(number), **values)


def _of_field(desk: Desk, *fields: str) -> list[Row]:
    """Return the differences of some fields; a close of the first release names none but value and target."""
    return [row for row in desk.close.restatements if row.get("field", "value") in fields]


def _figures(desk: Desk, printed: bool) -> list[Row]:
    """Return the restated figures that the edition before printed, or the others; the whole unit's come first."""
    rows = [row for row in _of_field(desk, *_FIGURE) if _was_printed(desk, row) == printed]
    return sorted(rows, key=lambda row: row["dimension"] not in ("company", "business_unit"))


def _was_printed(desk: Desk, row: Row) -> bool:
    """Whether the edition before printed a figure. One of the first release doesn't say: then what this one prints."""
    return bool(row["printed"]) if "printed" in row else row["figure_id"] in desk.printed


def _labels(desk: Desk, rows: Sequence[Row]) -> str:
    """Name the first few indicators of some differences, for a sentence."""
    labels = list(dict.fromkeys(_label(desk, row) for row in rows))
    return desk.formats.listed([desk.formats.inside(label) for label in labels[:_NAMED]])


def _label(desk: Desk, row: Row) -> str:
    metric = desk.close.metrics.get(str(row["metric"]))
    return metric.label if metric else visible(str(row["metric"]))


def _restated(desk: Desk, row: Row) -> Restated:
    label, field = _label(desk, row), row.get("field", "value")
    old, new = _status_words(desk, row) if field == "status" else _numbers(desk, row)
    return Restated(
        figure_id=str(row["figure_id"] or "–"),
        metric=label if field == "value" else desk.say(f"restated.{field}", metric=label),
        member=desk.member(str(row["dimension"]), str(row["member"])),
        period=desk.period_named(str(row["period"])),
        old=old,
        new=new,
        why=_reasons(desk, [str(reason) for reason in row.get("reasons") or [row["why"]]]),
    )


def _status_words(desk: Desk, row: Row) -> tuple[str, str]:
    old, new = (desk.status(row[key] if row[key] in STATUSES else "na").word for key in ("old", "new"))
    return old, new


def _numbers(desk: Desk, row: Row) -> tuple[str, str]:
    """Write the old and the new number alike, with more digits where fewer don't tell them apart."""
    metric = desk.close.metrics.get(str(row["metric"]))
    if metric is None:
        return _written(desk, row, lambda number: visible(str(number)))
    unit = metric.unit
    scale = desk.formats.scale(unit, [Decimal(str(row[key])) for key in ("old", "new") if row[key] is not None])
    old, new = _written(desk, row, lambda number: desk.formats.value(number, scale))
    return (old, new) if old != new else _written(desk, row, lambda number: desk.formats.exact(number, unit))


def _written(desk: Desk, row: Row, write: Callable[[Decimal], str]) -> tuple[str, str]:
    old, new = (desk.say("na") if row[key] is None else write(Decimal(str(row[key]))) for key in ("old", "new"))
    return old, new


def _reasons(desk: Desk, reasons: list[str]) -> str:
    """Say why a figure changed; a reason that has no words is printed as the close has it."""
    keys = [(f"why.{reason.replace(' ', '_')}", reason) for reason in reasons]
    return desk.formats.listed([desk.say(key) if desk.wording.has(key) else visible(reason) for key, reason in keys])
