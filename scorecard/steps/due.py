"""Find the period of a scorecard to publish: the newest that is due, or the one that a person names."""

from collections.abc import Sequence
from datetime import datetime

from scorecard.catalogue import COMPANY, Scorecard, load_catalogue
from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import Grain, parse_period
from scorecard.shared.schedule import Holidays, due_at, last_due
from scorecard.shared.settings import Settings
from scorecard.steps.extracting import Progress
from scorecard.steps.holding import is_over


def due(
    settings: Settings,
    cadence: Grain,
    period: str | None = None,
    scorecard: str | None = None,
    progress: Progress = print,
) -> list[tuple[str, str]]:
    """Return the scorecards of a cadence to publish, each with its period's label.

    Without a ``period``, it is each scorecard's newest period that is due, is complete and has data. With a ``period``,
    these are the scorecards with data in it, and those whose unit is not known through it yet. ``progress`` gets a line
    for each scorecard without a period.

    Raises
    ------
    ScorecardError: the period has another cadence, the scorecard is unknown, or the named scorecard has no data.
    """
    catalogue = load_catalogue(settings)
    entries = [catalogue.scorecard(scorecard)] if scorecard else list(catalogue.scorecards.values())
    scorecards = []
    for entry in entries:
        if cadence not in entry.cadences:
            continue
        label = _named(settings, entry, cadence, period) if period else _newest(settings, entry, cadence, None)
        if label:
            scorecards.append((entry.name, label))
        elif scorecard:
            raise _no_data(entry, cadence, period)
        else:
            progress(str(_no_data(entry, cadence, period).problem))
    return scorecards


def due_periods(
    settings: Settings,
    scorecard: str,
    cadences: Sequence[str],
    moment: datetime,
    *,
    named: str | None = None,
    calendar: bool = False,
    progress: Progress = print,
) -> list[str]:
    """Return the labels of the periods of a scorecard to publish at an aware moment: at most one for each cadence.

    A person or a backfill may name the period: it is published if it has data, or if it is not over yet. The calendar
    asks for the period that is due on the moment's day, also without its data: publishing then tells its owner.
    Otherwise it is the newest period that is due, is complete and has data. ``progress`` gets a line for each cadence
    without a period.

    Raises
    ------
    ScorecardError: the scorecard is unknown; the named period has another cadence; or it is due on a working day, and
        the table of holidays lacks that year.
    """
    entry = load_catalogue(settings).scorecard(scorecard)
    periods = []
    for cadence in map(Grain, cadences):
        if named:
            label = _named(settings, entry, cadence, named)
        elif calendar:
            label = _due_on_day(settings, entry, cadence, moment)
        else:
            label = _newest(settings, entry, cadence, moment)
        if label:
            periods.append(label)
        else:
            progress(f"No {cadence} of {scorecard} is due.")
    return periods


def _due_on_day(settings: Settings, entry: Scorecard, cadence: Grain, moment: datetime) -> str | None:
    local, table = moment.astimezone(settings.zone), holidays(settings)
    period = last_due(cadence, entry.due[cadence], table, local, settings.fiscal)
    if due_at(period, entry.due[cadence], table).date() != local.date():
        return None
    return _named(settings, entry, cadence, period.label)


def _newest(settings: Settings, entry: Scorecard, cadence: Grain, moment: datetime | None) -> str | None:
    from scorecard.warehouse.values import last_period

    local = moment.astimezone(settings.zone) if moment else datetime.now(settings.zone)
    newest = last_due(cadence, entry.due[cadence], holidays(settings), local, settings.fiscal)
    return last_period(settings, entry.business_unit, entry.metrics, newest)


def _named(settings: Settings, entry: Scorecard, cadence: Grain, label: str) -> str | None:
    from scorecard.warehouse.values import has_data, known_through

    period = parse_period(label, settings.fiscal)
    if period.grain is not cadence:
        raise ScorecardError(f"The period {label} is a {period.grain}, not a {cadence}.", f"Name a {cadence}.")
    if not is_over(period, known_through(settings, entry.business_unit)):
        return period.label
    return period.label if has_data(settings, entry.business_unit, entry.metrics, period.label) else None


def holidays(settings: Settings) -> Holidays:
    """Return the company's holidays. They are read on first use."""
    return Holidays(settings.project / COMPANY / "holidays.csv")


def _no_data(entry: Scorecard, cadence: Grain, period: str | None) -> ScorecardError:
    return ScorecardError(
        f"The scorecard {entry.name} has no data in {period or f'any complete {cadence} that is due'}.",
        "Ask for a period within its data; `scorecard values --by business_unit` lists them.",
    )
