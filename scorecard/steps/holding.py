"""What keeps a scorecard from being published: a source in trouble, a period that is not over, a check that failed.

Whoever owns the scorecard is told by mail, once of the same thing.
"""

from datetime import date

from scorecard.catalogue import Catalogue, Scorecard
from scorecard.errors import ScorecardError
from scorecard.periods import Period
from scorecard.settings import Settings


class Held(ScorecardError):
    """A scorecard that was not published; its owner has been told."""


def is_over(period: Period, known: date | None) -> bool:
    """Tell whether all of a period lies within the days of which it is known what happened."""
    return known is not None and period.last_day <= known


def refuse_troubled(settings: Settings, entry: Scorecard, period: Period) -> None:
    """Hold a scorecard whose business unit has a source that was not read to its end, or an export that is suspect.

    Raises
    ------
    Held: it has. What was published before stays; the other units are published.
    """
    from scorecard.delivery import notify
    from scorecard.sources import troubles

    found = [each for each in troubles.read_all(settings) if each.business_unit == entry.business_unit]
    if not found:
        return
    told = [
        notify.Finding(
            each.file or each.object or each.source,
            f"{each.problem} (since {each.since:%Y-%m-%d %H:%M} UTC)",
            each.cure,
        )
        for each in found
    ]
    notify.notify_troubled(settings, entry.name, period.label, entry.owner, told)
    raise Held(
        f"The scorecard {entry.name} of {period} is held back: {' '.join(each.problem for each in found)}",
        f"{' '.join(each.cure for each in found)} Then run again; {entry.owner} has been told.",
    )


def refuse_incomplete(settings: Settings, entry: Scorecard, period: Period) -> None:
    """Hold a scorecard of a period of which not all is known yet.

    Raises
    ------
    Held: not every day of it is known. It says which source is known through which day.
    """
    from scorecard.delivery import notify
    from scorecard.warehouse.values import known_through, sources_known_through

    known = known_through(settings, entry.business_unit)
    if is_over(period, known):
        return
    told = [
        (source, f"known through {day}" if day else "nothing was read yet")
        for source, day in sources_known_through(settings, entry.business_unit).items()
    ]
    cure = (
        f"Run again when the data of {period.last_day} is there; or publish what there is, marked as provisional: "
        f"`scorecard publish --scorecard {entry.name} --period {period} --provisional`, or in Airflow publish_"
        f"{period.grain} with provisional."
    )
    notify.notify_incomplete(settings, entry.name, period.label, entry.owner, told, cure)
    raise Held(
        f"The scorecard {entry.name} of {period} is held back: {entry.business_unit} is "
        f"{f'known through {known}' if known else 'not known at all yet'}, and the period ends on {period.last_day} "
        f"({', '.join(f'{source}: {said}' for source, said in told)}).",
        cure,
    )


def refuse_failed(settings: Settings, catalogue: Catalogue, entry: Scorecard, period: Period) -> None:
    """Hold a scorecard where a check of severity error failed on data that it depends on.

    Raises
    ------
    Held: one did.
    """
    from scorecard.delivery import notify
    from scorecard.quality import gate
    from scorecard.quality.results import load
    from scorecard.warehouse.snapshot import reader

    with reader(settings) as connection:
        results = load(connection)
    failed = gate.held(results, set(entry.metrics), entry.business_unit)
    if not failed:
        return
    told = [notify.Finding(check.name, check.message, check.cure) for check in failed]
    notify.notify_held(settings, entry.name, period.label, entry.owner, told)
    raise Held(
        f"The scorecard {entry.name} of {period} is held back by {len(failed)} failed "
        f"check{'s' if len(failed) > 1 else ''}:\n{gate.explain(failed)}\n",
        f"Then run again; {entry.owner} has been told.",
    )
