"""The decisions of the last review, and what their indicators have done since."""

import re
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from scorecard.pdf.page import MINUS, WHOLE, Action, Cell, Figure, MetricDefinition, PageContext, between, change_cell
from scorecard.shared.periods import Period, last_over


@dataclass(frozen=True)
class ChangeSinceBegin:
    """What an indicator has done since an action began: the figures of two periods, each with the period's name.

    ``now`` is None where no complete period has passed since.
    """

    before: tuple[str, Cell]
    now: tuple[str, Cell] | None
    change: Cell
    verdict: str


@dataclass(frozen=True)
class ActionRow:
    """A decision of the last review. ``since`` is None where the day on which it began is not known."""

    what: str
    effect: str
    who: str
    due: str
    progress: str
    overdue: bool
    indicator: str
    since: ChangeSinceBegin | None


def action_row(context: PageContext, action: Action) -> ActionRow:
    """Return a decision as the page prints it."""
    metric = context.close.metrics.get(action.metric)
    label = metric.label if metric else action.metric
    member = context.member_name(action.dimension, action.member)
    is_whole = action.dimension == WHOLE
    return ActionRow(
        what=action.what,
        effect=action.effect,
        who=action.who,
        due=_due(context, action.due),
        progress=context.say("action.done") if action.done else _progress(context, action.progress),
        overdue=not action.done and action.due is not None and action.due <= context.close.period.last_day,
        indicator=label if is_whole else context.say("action.indicator", metric=label, member=member),
        since=_since(context, metric, action, action.begins) if metric and action.begins else None,
    )


def _since(context: PageContext, metric: MetricDefinition, action: Action, begins: date) -> ChangeSinceBegin:
    """Compare the last complete period before the action began with the latest complete one."""
    close = context.close
    base = last_over(begins, close.period.grain, close.fiscal)
    before = close.figure(metric.name, base, action.dimension, action.member)
    latest, now = close.period, close.figure(metric.name, close.period, action.dimension, action.member)
    if now is not None and not now.is_complete:
        latest, now = close.prior, close.figure(metric.name, close.prior, action.dimension, action.member)
    if latest.start <= base.start:
        too_early = Cell(context.say("action.too_early"), tone="na")
        return ChangeSinceBegin(_dated(context, metric, base, before), None, too_early, "")
    cells = _dated(context, metric, base, before), _dated(context, metric, latest, now)
    if now is None or before is None or now.value is None or before.value is None or not before.is_complete:
        return ChangeSinceBegin(*cells, Cell(), "")
    change = change_cell(context, metric, now, between(context, metric, now, before, base))
    if change.tone not in ("good", "bad"):
        return ChangeSinceBegin(*cells, change, "")
    # The verdict says the direction, so the change has no sign: 4.5 pt worse.
    unsigned = replace(change, text=change.text.lstrip(f"+{MINUS}"))
    return ChangeSinceBegin(*cells, unsigned, context.say(f"action.{change.tone}"))


def _dated(context: PageContext, metric: MetricDefinition, period: Period, figure: Figure | None) -> tuple[str, Cell]:
    """Name a period and print its figure."""
    name = context.period_name(period)
    if figure is not None:
        return name, context.figure_cell(metric, figure)
    note = context.footnote(context.say("na.not_in_close", period=name))
    return name, Cell(context.say("na"), tone="na", note=note)


def _due(context: PageContext, due: date | None) -> str:
    if due is None:
        return "–"
    is_same_year = due.year == context.close.period.last_day.year
    return context.formats.day_short(due) if is_same_year else context.formats.day(due)


def _progress(context: PageContext, progress: str) -> str:
    """Write a share as per cent, and "3 of 5" as the language does. Leave other words as they are."""
    if counted := re.fullmatch(r"(\d+) of (\d+)", progress):
        return context.say("action.progress", done=counted[1], total=counted[2])
    try:
        share = Decimal(progress)
    except InvalidOperation:
        return progress
    return context.formats.share(share, 0) if share.is_finite() and 0 <= share <= 1 else progress
