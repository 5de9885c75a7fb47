"""The decisions of the last review, and what their indicators did since they began."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation

from scorecard.pdf.document import ActionRow, Since
from scorecard.pdf.page.close_data import WHOLE, Action, Metric, Value
from scorecard.pdf.page.comparisons import between, printed
from scorecard.pdf.page.context import Cell, Desk
from scorecard.pdf.page.formats import MINUS
from scorecard.shared.periods import Period, last_over


def action_row(desk: Desk, action: Action) -> ActionRow:
    """Return a decision as it is printed."""
    metric = desk.close.metrics.get(action.metric)
    whole = action.dimension == WHOLE
    label = metric.label if metric else action.metric
    member = desk.member(action.dimension, action.member)
    return ActionRow(
        what=action.what,
        effect=action.effect,
        who=action.who,
        due=_due(desk, action.due),
        progress=desk.say("action.done") if action.done else _progress(desk, action.progress),
        overdue=not action.done and action.due is not None and action.due <= desk.close.period.last_day,
        indicator=label if whole else desk.say("action.indicator", metric=label, member=member),
        since=_since(desk, metric, action) if metric and action.begins else None,
    )


def _since(desk: Desk, metric: Metric, action: Action) -> Since:
    """Compare the last complete period before the action began with the latest complete one."""
    close = desk.close
    assert action.begins is not None  # noqa: S101 - the caller asks only for actions that have begun
    base = last_over(action.begins, close.period.grain, close.fiscal)
    was = close.value(metric.name, base, action.dimension, action.member)
    latest, now = close.period, close.value(metric.name, close.period, action.dimension, action.member)
    if now is not None and not now.is_complete:
        latest, now = close.prior, close.value(metric.name, close.prior, action.dimension, action.member)
    if latest.start <= base.start:
        return Since(_beside(desk, metric, base, was), None, Cell(desk.say("action.too_early"), tone="na"), "")
    cells = _beside(desk, metric, base, was), _beside(desk, metric, latest, now)
    if now is None or was is None or now.value is None or was.value is None or not was.is_complete:
        return Since(*cells, Cell(), "")
    change = printed(desk, metric, now, between(desk, metric, now, was, base))
    if change.tone not in ("good", "bad"):
        return Since(*cells, change, "")
    # The word says the way, so the sign need not: 4.5 pt worse.
    unsigned = replace(change, text=change.text.lstrip(f"+{MINUS}"))
    return Since(*cells, unsigned, desk.say(f"action.{change.tone}"))


def _beside(desk: Desk, metric: Metric, period: Period, figure: Value | None) -> tuple[str, Cell]:
    """Name a period and print the figure of it."""
    name = desk.period(period)
    if figure is not None:
        return name, desk.figure(metric, figure)
    return name, Cell(desk.say("na"), tone="na", note=desk.note(desk.say("na.not_in_close", period=name)))


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
