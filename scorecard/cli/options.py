"""Options that several commands have, and how their values are read."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from scorecard.shared.errors import ScorecardError
from scorecard.shared.periods import Period, parse_period
from scorecard.shared.settings import load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
PeriodText = Annotated[
    str | None,
    typer.Option("--period", metavar="PERIOD", help="2017, 2017-Q4, 2017-12, 2017-W52 or 2017-12-31."),
]
ScorecardName = Annotated[str | None, typer.Option("--scorecard", help="Only this scorecard.")]
Provisional = Annotated[
    bool,
    typer.Option("--provisional", help="Publish a period that isn't over by the data, and say so on it."),
]


def period_of(text: str | None) -> Period | None:
    """Return the period that an option names; None if it isn't given."""
    if text is None:
        return None
    with wrong_use("--period"):
        return parse_period(text, load_settings().fiscal)


def refuse_unknown(name: str | None, known: Iterable[str], option: str) -> None:
    """Refuse an unknown value of an option as wrong use."""
    if name is not None and name not in known:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(sorted(known))}.", param_hint=option)


@contextmanager
def wrong_use(option: str) -> Iterator[None]:
    """Report an error from inside as wrong use of an option."""
    try:
        yield
    except ScorecardError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
