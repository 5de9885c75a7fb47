"""Hold a scorecard back: a source is in trouble, its period is not over, or a check failed.

The owner of the scorecard gets one mail about the same reason.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from scorecard.catalogue import ALL_UNITS, Catalogue, Scorecard
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import Period
from scorecard.shared.settings import Settings

if TYPE_CHECKING:
    from scorecard.delivery.notify import Notice


class ScorecardHeld(ScorecardError):
    """A scorecard that is held back. Its owner has been told."""


@dataclass(frozen=True)
class Hold:
    """Why a scorecard is held back, what to do about it, and the notice to its owner."""

    problem: str
    cure: str
    notice: "Notice"


def is_over(period: Period, known: date | None) -> bool:
    """Whether the data is known through the last day of a period. ``known``: the last known day."""
    return known is not None and period.last_day <= known


def refuse_held(
    settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period, *, provisional: bool = False
) -> None:
    """Stop if a scorecard must be held back, and tell its owner.

    Raises
    ------
    ScorecardHeld: it must be. Former editions and other units' scorecards are not affected.
    """
    from scorecard.delivery import notify

    hold = hold_of(settings, catalogue, entry, period, provisional=provisional)
    if hold:
        notify.mail_notice(settings, hold.notice)
        raise ScorecardHeld(hold.problem, hold.cure)


def hold_of(
    settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period, *, provisional: bool = False
) -> Hold | None:
    """Return why a scorecard must be held back; None if it may be published. No mail is sent.

    ``provisional``: a period that is not over is allowed.

    Raises
    ------
    ScorecardError: no warehouse is published yet.
    """
    return (
        _by_trouble(settings, entry, period)
        or (None if provisional else _by_incomplete_data(settings, entry, period))
        or _by_checks(settings, catalogue, entry, period)
    )


def _by_trouble(settings: Settings, entry: Scorecard, period: Period) -> Hold | None:
    """Hold a scorecard if a source of its business unit failed, or if an export is suspect."""
    from scorecard.delivery import notify
    from scorecard.extract.raw import troubles

    units = (entry.business_unit, ALL_UNITS)
    concerned = [trouble for trouble in troubles.read_all(settings) if trouble.business_unit in units]
    if not concerned:
        return None
    findings = [
        notify.Finding(
            trouble.file or trouble.object or trouble.source,
            f"{trouble.problem} (since {trouble.since:%Y-%m-%d %H:%M} UTC)",
            trouble.cure,
        )
        for trouble in concerned
    ]
    return Hold(
        f"The scorecard {entry.name} of {period} is held back: {' '.join(trouble.problem for trouble in concerned)}",
        f"{' '.join(trouble.cure for trouble in concerned)} Then run again; {entry.owner} has been told.",
        notify.source_trouble_notice(entry.name, period.label, entry.owner, findings),
    )


def _by_incomplete_data(settings: Settings, entry: Scorecard, period: Period) -> Hold | None:
    """Hold a scorecard if its period is not over. The hold names the last known day of each source."""
    from scorecard.delivery import notify
    from scorecard.warehouse.values import known_through, sources_known_through

    known = known_through(settings, entry.business_unit)
    if is_over(period, known):
        return None
    sources = [
        (source, f"known through {day}" if day else "nothing was read yet")
        for source, day in sources_known_through(settings, entry.business_unit).items()
    ]
    cure = (
        f"Run again when the data of {period.last_day} is there; or publish what there is, marked as provisional: "
        f"`scorecard publish --scorecard {entry.name} --period {period} --provisional`, or in Airflow publish_"
        f"{period.grain} with provisional."
    )
    return Hold(
        f"The scorecard {entry.name} of {period} is held back: {entry.business_unit} is "
        f"{f'known through {known}' if known else 'not known at all yet'}, and the period ends on {period.last_day} "
        f"({', '.join(f'{source}: {through}' for source, through in sources)}).",
        cure,
        notify.incomplete_data_notice(entry.name, period.label, entry.owner, sources, cure),
    )


def _by_checks(settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period) -> Hold | None:
    """Hold a scorecard if a check of severity error failed on data that it depends on."""
    from scorecard.checks.results import explain, failed_errors, load
    from scorecard.delivery import notify
    from scorecard.shared.snapshot import snapshot

    with snapshot(settings, settings.timezone) as connection:
        results = load(connection)
    failed = failed_errors(results, set(entry.metrics), entry.business_unit)
    if not failed:
        return None
    findings = [notify.Finding(check.name, check.message, check.cure) for check in failed]
    return Hold(
        f"The scorecard {entry.name} of {period} is held back by {len(failed)} failed "
        f"check{'s' if len(failed) > 1 else ''}:\n{explain(failed)}\n",
        f"Then run again; {entry.owner} has been told.",
        notify.failed_checks_notice(entry.name, period.label, entry.owner, findings),
    )
