"""What keeps a scorecard from being published: a source in trouble, a period that is not over, a check that failed.

Whoever owns the scorecard is told by mail, once of the same thing.
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
    """A scorecard that was not published; its owner has been told."""


@dataclass(frozen=True)
class Hold:
    """Why a scorecard is not published, what to do about it, and the notice that tells its owner."""

    problem: str
    cure: str
    notice: "Notice"


def is_over(period: Period, known: date | None) -> bool:
    """Tell whether all of a period lies within the days of which it is known what happened."""
    return known is not None and period.last_day <= known


def refuse_held(
    settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period, *, provisional: bool = False
) -> None:
    """Stop where something keeps a scorecard from being published, and tell its owner.

    Raises
    ------
    ScorecardHeld: something does. What was published before stays; the other units are published.
    """
    from scorecard.delivery import notify

    hold = hold_of(settings, catalogue, entry, period, provisional=provisional)
    if hold:
        notify.mail_notice(settings, hold.notice)
        raise ScorecardHeld(hold.problem, hold.cure)


def hold_of(
    settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period, *, provisional: bool = False
) -> Hold | None:
    """Return what keeps a scorecard from being published, if anything does. Nobody is told.

    ``provisional``: a period of which not all is known yet does not.

    Raises
    ------
    ScorecardError: nothing was built yet.
    """
    return (
        _by_trouble(settings, entry, period)
        or (None if provisional else _by_incomplete_data(settings, entry, period))
        or _by_checks(settings, catalogue, entry, period)
    )


def _by_trouble(settings: Settings, entry: Scorecard, period: Period) -> Hold | None:
    """A source of the business unit was not read to its end, or an export is suspect."""
    from scorecard.delivery import notify
    from scorecard.extract.raw import troubles

    concerned = (entry.business_unit, ALL_UNITS)
    of_unit = [trouble for trouble in troubles.read_all(settings) if trouble.business_unit in concerned]
    if not of_unit:
        return None
    findings = [
        notify.Finding(
            trouble.file or trouble.object or trouble.source,
            f"{trouble.problem} (since {trouble.since:%Y-%m-%d %H:%M} UTC)",
            trouble.cure,
        )
        for trouble in of_unit
    ]
    return Hold(
        f"The scorecard {entry.name} of {period} is held back: {' '.join(trouble.problem for trouble in of_unit)}",
        f"{' '.join(trouble.cure for trouble in of_unit)} Then run again; {entry.owner} has been told.",
        notify.source_trouble_notice(entry.name, period.label, entry.owner, findings),
    )


def _by_incomplete_data(settings: Settings, entry: Scorecard, period: Period) -> Hold | None:
    """Not every day of the period is known. The hold says which source is known through which day."""
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
    """A check of severity error failed on data that the scorecard depends on."""
    from scorecard.checks import gate
    from scorecard.checks.results import load
    from scorecard.delivery import notify
    from scorecard.shared.snapshot import snapshot

    with snapshot(settings, settings.timezone) as connection:
        results = load(connection)
    failed = gate.failed_errors(results, set(entry.metrics), entry.business_unit)
    if not failed:
        return None
    findings = [notify.Finding(check.name, check.message, check.cure) for check in failed]
    return Hold(
        f"The scorecard {entry.name} of {period} is held back by {len(failed)} failed "
        f"check{'s' if len(failed) > 1 else ''}:\n{gate.explain(failed)}\n",
        f"Then run again; {entry.owner} has been told.",
        notify.failed_checks_notice(entry.name, period.label, entry.owner, findings),
    )
