"""The finished content of a document: every word and number in its final form, so that templates compute nothing."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from scorecard.rendering import tables
from scorecard.rendering.close import WHOLE, Action, Check, Close, Value, read_close, words
from scorecard.rendering.desk import STATUSES, Cell, Desk, Status
from scorecard.rendering.fonts import visible
from scorecard.rendering.formats import Formats
from scorecard.rendering.sentences import Thing, headline, three_things
from scorecard.rendering.wording import Wording

_RESTATED = 30

Notes = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ActionRow:
    """A decision of the last review, and what its indicator did since."""

    what: str
    effect: str
    who: str
    due: str
    progress: str
    overdue: bool
    indicator: str
    change: Cell
    verdict: str


@dataclass(frozen=True)
class FailedCheck:
    """A check that failed."""

    mark: str
    severity: str
    is_error: bool
    name: str
    where: str
    failures: str
    message: str
    cure: str
    metrics: str


@dataclass(frozen=True)
class CheckedSource:
    """The checks of one source object."""

    where: str
    kinds: str
    checks: str
    passed: str
    rows: str


@dataclass(frozen=True)
class Restated:
    """A figure that an earlier edition printed otherwise."""

    figure_id: str
    metric: str
    member: str
    period: str
    old: str
    new: str
    why: str


@dataclass(frozen=True)
class Proof:
    """A printed figure in the list that proves it."""

    figure_id: str
    what: str
    printed: str
    exact: str
    observations: str


@dataclass(frozen=True)
class Columns:
    """Headings that name periods."""

    period: str
    prior: str
    vs_prior: str
    vs_year_ago: str
    spark: str
    target_note: str | None


@dataclass(frozen=True)
class Document:
    """A scorecard in one language."""

    language: str
    title: str
    purpose: str
    file_title: str
    period: str
    is_open: bool
    currency: str
    close_id: str
    edition: str
    hash_short: str
    content_sha256: str
    revision: str
    libraries: str
    columns: Columns
    checks: str
    warnings: str | None
    headline: str
    things: tuple[Thing, ...]
    groups: tuple[tables.Group, ...]
    breakdown: tables.Breakdown | None
    actions: tuple[ActionRow, ...]
    actions_note: str | None
    legend: tuple[Status, ...]
    summary_notes: Notes
    check_notes: Notes
    general: tuple[str, ...]
    tree: tuple[tables.Node, ...]
    tree_notes: Notes
    cards: tuple[tables.CardGroup, ...]
    cards_notes: Notes
    breakdowns: tuple[tables.Breakdown, ...]
    breakdowns_notes: Notes
    failed: tuple[FailedCheck, ...]
    sources: tuple[CheckedSource, ...]
    held_back: tuple[str, ...]
    unavailable: tuple[tuple[str, str], ...]
    provisional: tuple[str, ...]
    restatements: tuple[Restated, ...]
    restated_more: str | None
    proofs: tuple[Proof, ...]
    trace_command: str


def read_desk(close_dir: Path, language: str, reports_dir: Path) -> Desk:
    """Open a close and the words of a language."""
    wording = Wording(reports_dir, language)
    return Desk(read_close(close_dir, language), wording, Formats(wording))


def document(desk: Desk) -> Document:
    """Write the whole document."""
    close, say = desk.close, desk.say
    period = desk.formats.period_full(close.period, close.year_start)
    things = three_things(desk)
    # In the order of reading: footnotes and the list of figures follow it.
    columns = _columns(desk)
    groups = tables.summary_groups(desk)
    first = _first_breakdown(desk)
    actions_note = desk.note(say("note.sample_actions")) if any(action.sample for action in close.actions) else None
    actions = tuple(_action(desk, action) for action in close.actions)
    summary_notes = desk.take_notes()
    tree = tables.tree(desk)
    tree_notes = desk.take_notes()
    cards = tables.cards(desk)
    cards_notes = desk.take_notes()
    breakdowns = tuple(
        tables.breakdown(desk, close.metrics[metric], dimension) for metric, dimension in _breakdowns(close)
    )
    breakdowns_notes = desk.take_notes()
    # Figures on these pages first; a correction may touch thousands that are not.
    restated = sorted(close.restatements, key=lambda row: row["figure_id"] not in desk.printed)
    failed = close.failed()
    passed = len(close.checks) - len(failed)
    numbers = {"passed": desk.formats.count(passed), "total": desk.formats.count(len(close.checks))}
    return Document(
        language=close.language,
        title=close.title,
        purpose=words(close.scorecard["purpose"], close.language),
        file_title=say("file.title", title=close.title, period=desk.formats.period(close.period, close.year_start)),
        period=period,
        is_open=any(not figure.is_complete for figure in _whole(desk)),
        currency=close.currency,
        close_id=close.close_id,
        edition=desk.formats.count(close.edition),
        hash_short=close.content_sha256[:12],
        content_sha256=close.content_sha256,
        revision=visible(str(close.manifest["code"]["revision"] or "–"))[:12],
        libraries=" · ".join(
            visible(f"{name} {version}") for name, version in sorted(close.manifest["libraries"].items())
        ),
        columns=columns,
        checks=desk.wording.count("checks.passed", len(close.checks), **numbers),
        warnings=_warned(desk),
        headline=headline(desk),
        things=things,
        groups=groups,
        breakdown=first,
        actions=actions,
        actions_note=actions_note,
        legend=tuple(desk.status(key) for key in STATUSES if key != "na"),
        summary_notes=summary_notes,
        check_notes=tuple((desk.check_mark(check), check.name) for check in failed if _touches(close, check)),
        general=tuple(desk.check_mark(check) for check in close.general()),
        tree=tree,
        tree_notes=tree_notes,
        cards=cards,
        cards_notes=cards_notes,
        breakdowns=breakdowns,
        breakdowns_notes=breakdowns_notes,
        failed=tuple(_failed(desk, check) for check in failed),
        sources=_sources(desk),
        held_back=_held_back(desk),
        unavailable=_unavailable(desk),
        provisional=tuple(desk.close.metrics[figure.metric].label for figure in _whole(desk) if not figure.is_complete),
        restatements=tuple(_restated(desk, row) for row in restated[:_RESTATED]),
        restated_more=_more_restated(desk, len(restated) - _RESTATED),
        proofs=_proofs(desk),
        trace_command=f"scorecard trace {close.close_id}.{next(iter(desk.printed), 'F001')}",
    )


def _warned(desk: Desk) -> str | None:
    """Say how many checks failed, errors and warnings apart."""
    counts = {"error": 0, "warning": 0}
    for check in desk.close.failed():
        counts["error" if check.severity == "error" else "warning"] += 1
    parts = [
        desk.wording.count(f"checks.{kind}", number, number=desk.formats.count(number))
        for kind, number in counts.items()
        if number
    ]
    return desk.formats.listed(parts) or None


def _columns(desk: Desk) -> Columns:
    close = desk.close
    year_ago = desk.formats.period(close.year_ago, close.year_start)
    first, last = (desk.formats.period(each, close.year_start) for each in (close.spark[0], close.spark[-1]))
    return Columns(
        period=desk.formats.period(close.period, close.year_start),
        prior=desk.period(close.prior),
        vs_prior=desk.say("column.versus_prior", period=desk.period(close.prior)),
        vs_year_ago=desk.say("column.versus_year_ago", period=year_ago),
        spark=desk.say("column.spark", first=first, last=last),
        target_note=_target_note(desk),
    )


def _breakdowns(close: Close) -> list[tuple[str, str]]:
    """Return the declared breakdowns that have members. A close may write them as pairs or as mappings."""
    pairs = [
        (entry["metric"], entry["dimension"]) if isinstance(entry, dict) else (entry[0], entry[1])
        for entry in close.scorecard["breakdowns"]
    ]
    return [pair for pair in pairs if close.members.get(pair)]


def _first_breakdown(desk: Desk) -> tables.Breakdown | None:
    for metric, dimension in _breakdowns(desk.close):
        return tables.breakdown(desk, desk.close.metrics[metric], dimension, brief=True)
    return None


def _whole(desk: Desk) -> list[Value]:
    figures = [desk.close.whole(metric.name) for metric in desk.close.shown()]
    return [figure for figure in figures if figure is not None]


def _target_note(desk: Desk) -> str | None:
    """Return the mark of what was said about all targets of the page, for instance that they are samples."""
    metrics = {metric.name for metric in desk.close.mains()}
    reasons = {
        visible(str(target.get(f"reason_{desk.close.language}") or target["reason"]))
        for target in desk.close.targets
        if target["reason"] and target["metric"] in metrics and target["period"] == desk.close.period.label
    }
    return desk.note(desk.say("note.targets", reason=reasons.pop())) if len(reasons) == 1 else None


def _action(desk: Desk, action: Action) -> ActionRow:
    close = desk.close
    metric = close.metrics.get(action.metric)
    figure = close.value(action.metric, close.period, action.dimension, action.member)
    member = desk.member(action.dimension, action.member)
    if metric is None:
        indicator, change = action.metric, Cell("–", tone="na")
    else:
        whole = action.dimension == WHOLE
        indicator = metric.label if whole else desk.say("action.indicator", metric=metric.label, member=member)
        change = desk.against_prior(metric, figure)
    return ActionRow(
        what=action.what,
        effect=action.effect,
        who=action.who,
        due=_due(desk, action.due),
        progress=desk.say("action.done") if action.done else _progress(desk, action.progress),
        overdue=not action.done and action.due is not None and action.due <= close.period.last_day,
        indicator=indicator,
        change=change,
        verdict=desk.say(f"action.{change.tone}") if change.tone in ("good", "bad") else "",
    )


def _due(desk: Desk, due: date | None) -> str:
    if due is None:
        return "–"
    return desk.formats.day_short(due) if due.year == desk.close.period.last_day.year else desk.formats.day(due)


def _progress(desk: Desk, progress: str) -> str:
    """Write a share as per cent, and 3 of 5 as the language does; leave other words as they are."""
    if counted := re.fullmatch(r"(\d+) of (\d+)", progress):
        return desk.say("action.progress", done=counted[1], total=counted[2])
    try:
        share = Decimal(progress)
    except InvalidOperation:
        return progress
    return desk.formats.share(share, 0) if share.is_finite() and 0 <= share <= 1 else progress


def _touches(close: Close, check: Check) -> bool:
    return any(check in close.warnings(metric) for metric in close.mains())


def _failed(desk: Desk, check: Check) -> FailedCheck:
    labels = [metric.label for metric in desk.close.mains() if check in desk.close.warnings(metric)]
    touched = desk.say("quality.all") if check in desk.close.general() else desk.formats.listed(labels)
    return FailedCheck(
        mark=desk.check_mark(check),
        severity=desk.say("severity.error" if check.severity == "error" else "severity.warning"),
        is_error=check.severity == "error",
        name=check.name,
        where=_where(check),
        failures=desk.say(
            "quality.failures", failures=desk.formats.count(check.failures), checked=desk.formats.count(check.checked)
        )
        if check.counted
        else "–",
        message=check.message,
        cure=check.cure,
        metrics=touched or "–",
    )


def _where(check: Check) -> str:
    return f"{check.source}.{check.table}" if check.source and check.table else check.source or check.table or "–"


def _part(desk: Desk, check: Check) -> str:
    """Name what was checked: an object of a source, or as one all that is made of the sources."""
    if check.kind == "dbt":
        return desk.say("quality.models")
    return desk.say("quality.figures") if check.source == "kpis" else _where(check)


def _sources(desk: Desk) -> tuple[CheckedSource, ...]:
    by_table: dict[str, list[Check]] = {}
    for check in desk.close.checks:
        by_table.setdefault(_part(desk, check), []).append(check)
    return tuple(
        CheckedSource(
            where=where,
            kinds=desk.formats.listed([desk.say(f"kind.{kind}") for kind in sorted({check.kind for check in checks})]),
            checks=desk.formats.count(len(checks)),
            passed=desk.formats.count(sum(check.passed for check in checks)),
            rows=desk.formats.count(most) if (most := max(check.checked for check in checks)) else "–",
        )
        for where, checks in sorted(by_table.items())
    )


def _held_back(desk: Desk) -> tuple[str, ...]:
    """Say how many rows were kept out of the warehouse, by source object."""
    return tuple(
        desk.wording.count(
            "quality.held", check.failures, number=desk.formats.count(check.failures), where=_where(check)
        )
        for check in desk.close.failed()
        if check.kind == "extract" and check.failures
    )


def _unavailable(desk: Desk) -> tuple[tuple[str, str], ...]:
    found = []
    period = desk.formats.period(desk.close.period, desk.close.year_start)
    for metric in desk.close.shown():
        figure = desk.close.whole(metric.name)
        if figure is None or figure.value is None:
            found.append((metric.label, desk.why_missing(figure.na_reason if figure else None, period)))
    return tuple(found)


def _restated(desk: Desk, row: dict[str, Any]) -> Restated:
    metric = desk.close.metrics.get(str(row["metric"]))

    def value(number: object) -> str:
        if number is None:
            return desk.say("na")
        return desk.formats.single(Decimal(str(number)), metric.unit) if metric else visible(str(number))

    label = metric.label if metric else visible(str(row["metric"]))
    return Restated(
        figure_id=str(row["figure_id"] or "–"),
        metric=desk.say("restated.target", metric=label) if row.get("field") == "target" else label,
        member=desk.member(str(row["dimension"]), str(row["member"])),
        period=str(row["period"]),
        old=value(row["old"]),
        new=value(row["new"]),
        why=_reasons(desk, [str(reason) for reason in row.get("reasons") or [row["why"]]]),
    )


def _more_restated(desk: Desk, number: int) -> str | None:
    return desk.wording.count("restated.more", number, number=desk.formats.count(number)) if number > 0 else None


def _reasons(desk: Desk, reasons: list[str]) -> str:
    """Say why a figure changed; a reason that has no words is printed as the close has it."""
    keys = [(f"why.{reason.replace(' ', '_')}", reason) for reason in reasons]
    return desk.formats.listed([desk.say(key) if desk.wording.has(key) else visible(reason) for key, reason in keys])


def _proofs(desk: Desk) -> tuple[Proof, ...]:
    proofs = []
    for figure_id, printed in sorted(desk.printed.items(), key=lambda pair: (len(pair[0]), pair[0])):
        figure = printed.value
        exact = "–" if figure.value is None else f"{figure.value.normalize():f}"
        proofs.append(
            Proof(
                figure_id=figure_id,
                what=desk.say(
                    "proof.what",
                    metric=desk.close.metrics[figure.metric].label,
                    member=desk.member(figure.dimension, figure.member),
                    period=figure.period,
                ),
                printed=printed.text,
                exact=exact,
                observations=desk.formats.count(figure.observations),
            )
        )
    return tuple(proofs)
