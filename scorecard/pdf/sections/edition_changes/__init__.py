"""What an edition changes: the figures that the edition before printed otherwise, and all else that a reader sees."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scorecard.pdf.page import STATUSES, WHOLE, PageContext, visible

_NAMED = 3
_FIGURE_FIELDS = ("value", "at_most", "longer_than", "target", "status")
RestatementEntry = dict[str, Any]
"""One entry of restatements.json: a difference of two editions, or the final value of a provisional figure."""


@dataclass(frozen=True)
class RestatedFigure:
    """A figure that an earlier edition printed otherwise."""

    figure_id: str
    metric: str
    member: str
    period: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class EditionChangesSection:
    """What the edition changes.

    ``finals`` are provisional figures of the period before that are final now. ``notes`` count the changes that no page
    prints. ``summary`` says on the first page what the edition changes; it is None for the first edition. ``mark``
    follows the period in the subject of a mail; it is "" for the first edition.
    """

    finals: tuple[str, ...]
    restated: tuple[RestatedFigure, ...]
    notes: tuple[str, ...]
    summary: str | None
    mark: str


def edition_changes_section(context: PageContext) -> EditionChangesSection:
    """Build the changes. Call this after all tables, because it asks which figures they printed."""
    restated = tuple(_restated(context, entry) for entry in _figure_entries(context, printed=True))
    for figure in restated:
        context.cite_id(figure.figure_id)
    finals = [entry for entry in _entries(context, "final") if entry["dimension"] == WHOLE]
    return EditionChangesSection(
        finals=tuple(_final(context, entry) for entry in finals),
        restated=restated,
        notes=_notes(context),
        summary=_summary(context),
        mark=_mark(context),
    )


def _final(context: PageContext, entry: RestatementEntry) -> str:
    """Say which final value a provisional figure has."""
    metric = context.close.metrics[str(entry["metric"])]
    low, high, new = (Decimal(str(entry[key])) for key in ("old", "old_at_most", "new"))
    scale = context.formats.scale(metric.unit, [low, high, new])
    return context.say(
        "quality.final",
        metric=metric.label,
        period=context.period_name(context.close.prior),
        value=context.formats.value(new, scale),
        was=context.formats.range(low, high, scale),
    )


def _notes(context: PageContext) -> tuple[str, ...]:
    """Count the figures that differ and were not printed, and those that are equal but of other records."""
    counts = {
        "restated.others": len(_figure_entries(context, printed=False)),
        "restated.records": len(_entries(context, "records")),
    }
    return tuple(_counted(context, key, number) for key, number in counts.items() if number)


def _mark(context: PageContext) -> str:
    edition = context.close.edition
    return "" if edition == 1 else context.say("edition.mark", edition=context.formats.count(edition))


def _summary(context: PageContext) -> str | None:
    if context.close.edition == 1:
        return None
    number = context.formats.count(context.close.edition)
    changes = list(_changes(context)) or [context.say("edition.nothing")]
    return context.say("edition.replaces", edition=number, changes=context.say("edition.separator").join(changes))


def _changes(context: PageContext) -> Iterator[str]:
    """Say each kind of change in some words."""
    printed = _figure_entries(context, printed=True)
    if printed:
        yield _counted(context, "edition.figures", len(printed), metrics=_labels(context, printed))
    if others := _figure_entries(context, printed=False):
        yield _counted(context, "edition.others_too" if printed else "edition.others", len(others))
    if completed := _entries(context, "is_complete"):
        yield context.say("edition.over", metrics=_labels(context, completed))
    outcomes = Counter(_outcome(entry) for entry in _entries(context, "check"))
    for key in ("edition.checks_fail", "edition.checks_mark", "edition.checks_hold"):
        if number := outcomes[key]:
            yield _counted(context, key, number)
    if actions := _entries(context, "action"):
        yield _counted(context, "edition.actions", len(actions))
    if shown := [*_entries(context, "indicator"), *_entries(context, "breakdown")]:
        yield context.say("edition.shown", metrics=_labels(context, shown))


def _outcome(entry: RestatementEntry) -> str:
    """Return the message for a check whose outcome changes."""
    if entry["new"] != "failed":
        return "edition.checks_hold"
    return "edition.checks_mark" if entry["old"] == "failed" else "edition.checks_fail"


def _counted(context: PageContext, key: str, number: int, **values: object) -> str:
    return context.wording.count(key, number, number=context.formats.count(number), **values)


def _entries(context: PageContext, *fields: str) -> list[RestatementEntry]:
    """Return the entries of some fields. Entries of the first release have no field and hold values."""
    return [entry for entry in context.close.restatements if entry.get("field", "value") in fields]


def _figure_entries(context: PageContext, printed: bool) -> list[RestatementEntry]:
    """Return the entries of figures that the edition before printed, or did not print. The whole unit comes first."""
    entries = [entry for entry in _entries(context, *_FIGURE_FIELDS) if _was_printed(context, entry) == printed]
    return sorted(entries, key=lambda entry: entry["dimension"] not in ("company", "business_unit"))


def _was_printed(context: PageContext, entry: RestatementEntry) -> bool:
    """Whether the edition before printed a figure. For closes of the first release, whether this edition prints it."""
    return bool(entry["printed"]) if "printed" in entry else entry["figure_id"] in context.printed


def _labels(context: PageContext, entries: Sequence[RestatementEntry]) -> str:
    """Name the first few indicators of some entries, for a sentence."""
    labels = list(dict.fromkeys(_label(context, entry) for entry in entries))
    return context.formats.listed([context.formats.inside(label) for label in labels[:_NAMED]])


def _label(context: PageContext, entry: RestatementEntry) -> str:
    metric = context.close.metrics.get(str(entry["metric"]))
    return metric.label if metric else visible(str(entry["metric"]))


def _restated(context: PageContext, entry: RestatementEntry) -> RestatedFigure:
    label, field = _label(context, entry), entry.get("field", "value")
    old, new = _status_words(context, entry) if field == "status" else _numbers(context, entry)
    return RestatedFigure(
        figure_id=str(entry["figure_id"] or "–"),
        metric=label if field == "value" else context.say(f"restated.{field}", metric=label),
        member=context.member_name(str(entry["dimension"]), str(entry["member"])),
        period=context.period_of_label(str(entry["period"])),
        old=old,
        new=new,
        why=_reasons(context, [str(reason) for reason in entry.get("reasons") or [entry["why"]]]),
    )


def _status_words(context: PageContext, entry: RestatementEntry) -> tuple[str, str]:
    statuses = (entry[key] if entry[key] in STATUSES else "na" for key in ("old", "new"))
    old, new = (context.status(status).word for status in statuses)
    return old, new


def _numbers(context: PageContext, entry: RestatementEntry) -> tuple[str, str]:
    """Write the old and the new number alike. They have more digits where fewer would print the same."""
    metric = context.close.metrics.get(str(entry["metric"]))
    if metric is None:
        return _written(context, entry, lambda number: visible(str(number)))
    unit = metric.unit
    scale = context.formats.scale(unit, [Decimal(str(entry[key])) for key in ("old", "new") if entry[key] is not None])
    old, new = _written(context, entry, lambda number: context.formats.value(number, scale))
    return (old, new) if old != new else _written(context, entry, lambda number: context.formats.exact(number, unit))


def _written(context: PageContext, entry: RestatementEntry, write: Callable[[Decimal], str]) -> tuple[str, str]:
    values = (entry["old"], entry["new"])
    old, new = (context.say("na") if value is None else write(Decimal(str(value))) for value in values)
    return old, new


def _reasons(context: PageContext, reasons: list[str]) -> str:
    """Say why a figure changed. A reason without a message is printed as the close has it."""
    keys = [(f"why.{reason.replace(' ', '_')}", reason) for reason in reasons]
    return context.formats.listed(
        [context.say(key) if context.wording.has(key) else visible(reason) for key, reason in keys]
    )
