"""Which failed checks hold a scorecard back, and which are printed on it."""

from collections.abc import Collection, Sequence

from scorecard.checks.results import CheckResult


def held(results: Sequence[CheckResult], metrics: Collection[str], unit: str) -> list[CheckResult]:
    """Return the failed checks of severity error that touch any of a scorecard's metrics in its business unit."""
    return _failed(results, metrics, unit, "error")


def warnings(results: Sequence[CheckResult], metrics: Collection[str], unit: str) -> list[CheckResult]:
    """Return the failed checks of severity warning that touch any of a scorecard's metrics in its unit: print them."""
    return _failed(results, metrics, unit, "warning")


def explain(stopped: Sequence[CheckResult]) -> str:
    """Say which checks failed, what they found and what to do, one paragraph a check; empty when none did."""
    return "\n\n".join(
        f"{check.name} ({check.source}, {check.object})\n  Found: {check.message}\n  To do: {check.cure}\n"
        f"  Touches: {', '.join(check.metrics)}\n  Check: {check.check_id}"
        for check in stopped
    )


def _failed(results: Sequence[CheckResult], metrics: Collection[str], unit: str, severity: str) -> list[CheckResult]:
    wanted = set(metrics)
    failed = [
        check
        for check in results
        if not check.passed
        and check.severity == severity
        and check.concerns(unit)
        and wanted.intersection(check.metrics)
    ]
    return sorted(failed, key=lambda check: check.check_id)
