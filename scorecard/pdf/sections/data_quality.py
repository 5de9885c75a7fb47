"""What the document says about its data: the checks, what was kept out, what is missing."""

from scorecard.pdf.document import CheckedSource, FailedCheck
from scorecard.pdf.page.close_data import Check
from scorecard.pdf.page.context import Desk
from scorecard.pdf.page.fonts import visible


def checks_passed(desk: Desk) -> str:
    """Say how many checks passed."""
    total = len(desk.close.checks)
    passed = total - len(desk.close.failed())
    numbers = {"passed": desk.formats.count(passed), "total": desk.formats.count(total)}
    return desk.wording.count("checks.passed", total, **numbers)


def checks_failed(desk: Desk) -> str | None:
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


def failed_checks(desk: Desk) -> tuple[FailedCheck, ...]:
    """Return the checks that failed, errors first."""
    return tuple(_failed(desk, check) for check in desk.close.failed())


def _failed(desk: Desk, check: Check) -> FailedCheck:
    labels = [metric.label for metric in desk.close.mains() if check in desk.close.warnings(metric)]
    touched = desk.say("quality.all") if check in desk.close.general() else desk.formats.listed(labels)
    return FailedCheck(
        mark=desk.check_mark(check),
        severity=desk.say("severity.error" if check.severity == "error" else "severity.warning"),
        is_error=check.severity == "error",
        name=check.name,
        where=_where(check),
        failures=desk.rows_of(check) or "–",
        message=check.message,
        cure=check.cure,
        metrics=touched or "–",
    )


def checked_sources(desk: Desk) -> tuple[CheckedSource, ...]:
    """Return how many checks ran on each part, and how many passed: what is made of the sources, then their objects."""
    by_part: dict[tuple[int, str], list[Check]] = {}
    for check in desk.close.checks:
        by_part.setdefault(_part(desk, check), []).append(check)
    return tuple(
        CheckedSource(
            where=where,
            kinds=desk.formats.listed([desk.say(f"kind.{kind}") for kind in sorted({check.kind for check in checks})]),
            checks=desk.formats.count(len(checks)),
            passed=desk.formats.count(sum(check.passed for check in checks)),
            rows=desk.formats.count(most) if (most := max(check.checked for check in checks)) else "–",
        )
        for (_, where), checks in sorted(by_part.items())
    )


def _part(desk: Desk, check: Check) -> tuple[int, str]:
    """Return the place in the list and the name of what was checked: the models, the figures, an object of a source."""
    if check.kind == "dbt":
        return 0, desk.say("quality.models")
    return (1, desk.say("quality.figures")) if check.source == "kpis" else (2, _where(check))


def _where(check: Check) -> str:
    return f"{check.source}.{check.table}" if check.source and check.table else check.source or check.table or "–"


def held_back(desk: Desk) -> tuple[str, ...]:
    """Say how many rows were kept out of the warehouse, by source object."""
    return tuple(
        desk.wording.count(
            "quality.held", check.failures, number=desk.formats.count(check.failures), where=_where(check)
        )
        for check in desk.close.failed()
        if check.kind == "extract" and check.failures and check.counted
    )


def unavailable(desk: Desk) -> tuple[tuple[str, str], ...]:
    """Return the indicators without a value, and why each has none."""
    found = []
    period = desk.formats.period(desk.close.period, desk.close.fiscal)
    for metric in desk.close.shown():
        figure = desk.close.whole(metric.name)
        if figure is None or figure.value is None:
            found.append((metric.label, desk.why_missing(figure.na_reason if figure else None, period, figure)))
    return tuple(found)


def is_provisional(desk: Desk) -> bool:
    """Whether a period was published before it was over by the data."""
    known = desk.close.known_through
    return known is not None and known < desk.close.period.last_day


def data_through(desk: Desk) -> str | None:
    """Say through which day the data goes, and of a period that isn't over by it that it is provisional.

    None of a close that doesn't know.
    """
    known = desk.close.known_through
    if known is None:
        return None
    same_year = known.year == desk.close.period.last_day.year
    day = desk.formats.day_short(known) if same_year else desk.formats.day(known)
    return desk.say("provisional" if is_provisional(desk) else "known_through", day=day)


def ask(desk: Desk) -> str:
    """Say who answers questions about the scorecard."""
    return desk.say("ask", owner=visible(str(desk.close.scorecard["owner"])))


def provisional(desk: Desk) -> tuple[str, ...]:
    """Return the indicators whose period is still open, and those that settle some days after it, with the day."""
    figures = [(metric, desk.close.whole(metric.name)) for metric in desk.close.shown()]
    found = []
    for metric, figure in figures:
        if figure is None or figure.value is None:
            continue
        if figure.at_most is not None:
            found.append(desk.say("quality.range", metric=metric.label, range=desk.range_of(metric, figure)))
        elif not figure.is_complete:
            found.append(metric.label)
        elif desk.settles_later(metric, figure):
            day = desk.settled_on(metric, figure)
            found.append(desk.say("quality.settles", metric=metric.label, day=day))
    return tuple(found)
