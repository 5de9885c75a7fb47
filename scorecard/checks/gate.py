"""Which failed checks hold a scorecard back."""

from collections.abc import Collection, Sequence

from scorecard.checks.results import CheckResult


def failed_errors(results: Sequence[CheckResult], metrics: Collection[str], unit: str) -> list[CheckResult]:
    """Return the failed checks of severity error that touch any of a scorecard's metrics in its business unit."""
    wanted = set(metrics)
    failed = [
        check
        for check in results
        if not check.passed
        and check.severity == "error"
        and check.concerns(unit)
        and wanted.intersection(check.metrics)
    ]
    return sorted(failed, key=lambda check: check.check_id)


def explain(stopped: Sequence[CheckResult]) -> str:
    """Say which checks failed, what they found and what to do, one paragraph a check; empty when none did."""
    return "\n\n".join(
        f"{check.name} ({check.source}, {check.object})\n  Found: {check.message}\n  To do: {check.cure}\n"
        f"  Touches: {', '.join(check.metrics)}\n  Check: {check.check_id}"
        for check in stopped
    )
