"""The first page: the finding, the three things to know, all indicators, one breakdown, and the last review."""

from dataclasses import dataclass

from scorecard.pdf.page import STATUSES, Notes, PageContext, Status, visible
from scorecard.pdf.sections.breakdowns import BreakdownTable, breakdown_table
from scorecard.pdf.sections.indicators import IndicatorGroup, indicator_groups
from scorecard.pdf.sections.summary import doubts
from scorecard.pdf.sections.summary.finding import clauses, finding, finding_figures
from scorecard.pdf.sections.summary.key_points import KeyPoint, key_points
from scorecard.pdf.sections.summary.review_actions import ActionRow, action_row
from scorecard.shared.languages import frozen_words


@dataclass(frozen=True)
class SummarySection:
    """What the first page prints.

    ``finding`` has one entry for each part that stays on one line. ``chart_grain`` and ``chart_span`` head the column
    of charts. ``target_note`` and ``actions_note`` are marks of footnotes. ``check_notes`` name the failed checks of
    the page's indicators by mark. ``explained_warnings`` are for the mail: they explain the marks in its sentences.
    """

    finding: tuple[str, ...]
    key_points: tuple[KeyPoint, ...]
    chart_grain: str
    chart_span: str
    target_note: str | None
    groups: tuple[IndicatorGroup, ...]
    breakdown: BreakdownTable | None
    actions: tuple[ActionRow, ...]
    actions_note: str | None
    legend: tuple[Status, ...]
    check_notes: Notes
    notes: Notes
    explained_warnings: tuple[str, ...]


def summary_section(context: PageContext) -> SummarySection:
    """Build the first page. The parts are built in the order of reading, which numbers the footnotes."""
    close = context.close
    points = key_points(context)
    target_note = _target_note(context)
    groups = indicator_groups(context)
    breakdown = _first_breakdown(context)
    has_samples = any(action.sample for action in close.actions)
    actions_note = context.footnote(context.say("note.sample_actions")) if has_samples else None
    actions = tuple(action_row(context, action) for action in close.actions)
    first, last = close.charted_periods[0], close.charted_periods[-1]
    return SummarySection(
        finding=clauses(finding(context)),
        key_points=points,
        chart_grain=context.say(f"chart.by_{first.grain}"),
        chart_span=context.say(
            "column.spark",
            first=context.formats.period(first, close.fiscal),
            last=context.formats.period(last, close.fiscal),
        ),
        target_note=target_note,
        groups=groups,
        breakdown=breakdown,
        actions=actions,
        actions_note=actions_note,
        legend=tuple(context.status(key) for key in STATUSES if key != "na"),
        check_notes=_check_notes(context),
        notes=context.take_footnotes(),
        explained_warnings=_explained_warnings(context, points),
    )


def _target_note(context: PageContext) -> str | None:
    """Return the mark of the reason that all targets of the page share, for example that they are samples."""
    close = context.close
    metrics = {metric.name for metric in close.main_metrics}
    reasons = set()
    for target in close.targets:
        if target["metric"] in metrics and target["period"] == close.period.label:
            english, translations = frozen_words(target, ("reason",))
            if english:
                reasons.add(visible(translations.get(close.language, english)["reason"]))
    if len(reasons) != 1:
        return None
    return context.footnote(context.say("note.targets", reason=reasons.pop().rstrip(".。")))


def _first_breakdown(context: PageContext) -> BreakdownTable | None:
    for metric, dimension in context.close.breakdowns:
        return breakdown_table(context, context.close.metrics[metric], dimension, brief=True)
    return None


def _check_notes(context: PageContext) -> Notes:
    """Name the failed checks that touch an indicator of the page."""
    close = context.close
    touching = {check for metric in close.main_metrics for check in close.failed_checks_of(metric)}
    return tuple(
        (context.check_mark(check), context.check_note(check)) for check in close.failed_checks if check in touching
    )


def _explained_warnings(context: PageContext, points: tuple[KeyPoint, ...]) -> tuple[str, ...]:
    """Explain the marks that the finding and the key points name."""
    by_id = context.close.by_id
    point_figures = [by_id.get(figure_id) for point in points for figure_id in point.figure_ids]
    return doubts.explained_warnings(context, [*finding_figures(context), *point_figures])
