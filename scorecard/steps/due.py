"""Which period of a scorecard is to be published: the newest that is due, or the one that a person names."""

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
    """Name the scorecards of a cadence to publish, each with its period's label; ``progress`` is told which have none.

    Without a period, each scorecard's newest that is due by now, complete and has data. With one, the scorecards that
    have data in it, or of whose unit it isn't known yet what happened in it.

    Raises
    ------
    ScorecardError: not a period of that cadence, no such scorecard, or a scorecard asked for by name has no data.
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
            raise _nothing(entry, cadence, period)
        else:
            progress(str(_nothing(entry, cadence, period).problem))
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

    Where a person or a backfill has named a period, it is that one, unless the scorecard has no data in it. For the
    calendar it is the period that is due on the moment's day, whether or not its data is there: who publishes it tells
    its owner if it isn't. Else it is the newest that is due, complete and has data. ``progress`` is told which cadences
    have none.

    Raises
    ------
    ScorecardError: no such scorecard; not a period of that cadence; or it is due on a working day, and the year's
        holidays are not in the table.
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
            progress(f"Of {scorecard}, no {cadence} is due.")
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


def _named(settings: Settings, entry: Scorecard, cadence: Grain, text: str) -> str | None:
    from scorecard.warehouse.values import has_data, known_through

    period = parse_period(text, settings.fiscal)
    if period.grain is not cadence:
        raise ScorecardError(f"{text} is a {period.grain}, not a {cadence}.", f"Name a {cadence}.")
    if not is_over(period, known_through(settings, entry.business_unit)):
        return period.label
    return period.label if has_data(settings, entry.business_unit, entry.metrics, period.label) else None


def holidays(settings: Settings) -> Holidays:
    """Return the company's holidays, read when they are first needed."""
    return Holidays(settings.project / COMPANY / "holidays.csv")


def _nothing(entry: Scorecard, cadence: Grain, period: str | None) -> ScorecardError:
    return ScorecardError(
        f"The scorecard {entry.name} has no data in {period or f'any complete {cadence} that is due'}.",
        "Ask for a period within its data; `scorecard values --by business_unit` lists them.",
    )
