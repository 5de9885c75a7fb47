"""What the scorecard says about its data: its checks, the rows in quarantine, and the figures that are missing."""

from dataclasses import dataclass

from scorecard.pdf.page import Check, PageContext


@dataclass(frozen=True)
class FailedCheck:
    """A check that failed. ``metrics`` names the indicators that it touches."""

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
    """The numbers of checks of one source object, of the models, or of the figures."""

    where: str
    kinds: str
    checks: str
    passed: str
    rows: str


@dataclass(frozen=True)
class DataQualitySection:
    """The page about data. ``passed`` and ``failed_counts`` say how many checks passed and failed.

    ``unavailable`` are pairs of an indicator and the reason why it has no value. ``provisional`` are the indicators
    that may still change.
    """

    passed: str
    failed_counts: str | None
    failed: tuple[FailedCheck, ...]
    sources: tuple[CheckedSource, ...]
    quarantined: tuple[str, ...]
    unavailable: tuple[tuple[str, str], ...]
    provisional: tuple[str, ...]


def data_quality_section(context: PageContext) -> DataQualitySection:
    """Build the page about data."""
    return DataQualitySection(
        passed=_passed(context),
        failed_counts=_failed_counts(context),
        failed=tuple(_failed_check(context, check) for check in context.close.failed_checks),
        sources=_sources(context),
        quarantined=_quarantined(context),
        unavailable=_unavailable(context),
        provisional=_provisional(context),
    )


def _passed(context: PageContext) -> str:
    total = len(context.close.checks)
    passed = total - len(context.close.failed_checks)
    numbers = {"passed": context.formats.count(passed), "total": context.formats.count(total)}
    return context.wording.count("checks.passed", total, **numbers)


def _failed_counts(context: PageContext) -> str | None:
    """Say how many errors and how many warnings there are. None where all checks passed."""
    counts = {"error": 0, "warning": 0}
    for check in context.close.failed_checks:
        counts["error" if check.severity == "error" else "warning"] += 1
    parts = [
        context.wording.count(f"checks.{severity}", number, number=context.formats.count(number))
        for severity, number in counts.items()
        if number
    ]
    return context.formats.listed(parts) or None


def _failed_check(context: PageContext, check: Check) -> FailedCheck:
    close = context.close
    labels = [metric.label for metric in close.main_metrics if check in close.failed_checks_of(metric)]
    touched = context.say("quality.all") if check in close.general_checks else context.formats.listed(labels)
    return FailedCheck(
        mark=context.check_mark(check),
        severity=context.say("severity.error" if check.severity == "error" else "severity.warning"),
        is_error=check.severity == "error",
        name=check.name,
        where=_where(check),
        failures=context.failed_rows(check) or "–",
        message=check.message,
        cure=check.cure,
        metrics=touched or "–",
    )


def _sources(context: PageContext) -> tuple[CheckedSource, ...]:
    """Return the numbers of checks: first of the models and the figures, then of each source object."""
    checks_by_place: dict[tuple[int, str], list[Check]] = {}
    for check in context.close.checks:
        checks_by_place.setdefault(_place(context, check), []).append(check)
    return tuple(_checked_source(context, where, checks) for (_, where), checks in sorted(checks_by_place.items()))


def _checked_source(context: PageContext, where: str, checks: list[Check]) -> CheckedSource:
    rows = max(check.checked for check in checks)
    kinds = sorted({check.kind for check in checks})
    return CheckedSource(
        where=where,
        kinds=context.formats.listed([context.say(f"kind.{kind}") for kind in kinds]),
        checks=context.formats.count(len(checks)),
        passed=context.formats.count(sum(check.passed for check in checks)),
        rows=context.formats.count(rows) if rows else "–",
    )


def _place(context: PageContext, check: Check) -> tuple[int, str]:
    """Return the rank and the name of what was checked: the models, the figures, or an object of a source."""
    if check.kind == "dbt":
        return 0, context.say("quality.models")
    return (1, context.say("quality.figures")) if check.source == "kpis" else (2, _where(check))


def _where(check: Check) -> str:
    return f"{check.source}.{check.table}" if check.source and check.table else check.source or check.table or "–"


def _quarantined(context: PageContext) -> tuple[str, ...]:
    """Say how many rows are in quarantine, by source object."""
    return tuple(
        context.wording.count(
            "quality.quarantined", check.failures, number=context.formats.count(check.failures), where=_where(check)
        )
        for check in context.close.failed_checks
        if check.kind == "extract" and check.failures and check.counted
    )


def _unavailable(context: PageContext) -> tuple[tuple[str, str], ...]:
    period = context.formats.period(context.close.period, context.close.fiscal)
    pairs = [(metric, context.close.whole(metric.name)) for metric in context.close.shown_metrics]
    return tuple(
        (metric.label, context.why_missing(figure, period))
        for metric, figure in pairs
        if figure is None or figure.value is None
    )


def _provisional(context: PageContext) -> tuple[str, ...]:
    """Return the indicators whose period is open, and those that settle after the period, with the day."""
    lines = []
    for metric in context.close.shown_metrics:
        figure = context.close.whole(metric.name)
        if figure is None or figure.value is None:
            continue
        if figure.at_most is not None:
            lines.append(context.say("quality.range", metric=metric.label, range=context.range_of(metric, figure)))
        elif not figure.is_complete:
            lines.append(metric.label)
        elif context.settles_later(metric, figure):
            day = context.settled_on(metric, figure)
            lines.append(context.say("quality.settles", metric=metric.label, day=day))
    return tuple(lines)
