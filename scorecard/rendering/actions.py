"""The decisions of the last review, and what their indicators did since."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation

from scorecard.rendering.close import WHOLE, Action
from scorecard.rendering.desk import Cell, Desk
from scorecard.rendering.document import ActionRow
from scorecard.rendering.formats import MINUS


def action_row(desk: Desk, action: Action) -> ActionRow:
    """Return a decision as it is printed."""
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
    judged = change.tone in ("good", "bad")
    return ActionRow(
        what=action.what,
        effect=action.effect,
        who=action.who,
        due=_due(desk, action.due),
        progress=desk.say("action.done") if action.done else _progress(desk, action.progress),
        overdue=not action.done and action.due is not None and action.due <= close.period.last_day,
        indicator=indicator,
        # The word says the way, so the sign need not: 4.5 pt worse.
        change=replace(change, text=change.text.lstrip(f"+{MINUS}")) if judged else change,
        verdict=desk.say(f"action.{change.tone}") if judged else "",
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
