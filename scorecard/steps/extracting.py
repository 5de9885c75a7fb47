"""Bring the raw tables up to date, confirm suspect exports, and test the connections to the sources."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from scorecard.catalogue import ALL_UNITS, business_units
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

if TYPE_CHECKING:
    from scorecard.extract import Confirmation, ExtractResult, SourceCheck, SourceContract

Progress = Callable[[str], None]


def extract(settings: Settings, source: str, progress: Progress = print) -> "ExtractResult":
    """Bring the raw tables of a source up to date with its exports or its service. Warnings go to ``progress``.

    Raises
    ------
    ScorecardError: the source is unknown; or an export can't be used, and the warehouse stays as it is; or an object of
        a service can't be read, and the other objects are loaded.
    """
    from scorecard import extract
    from scorecard.warehouse import published

    contract = _contract(settings, source)
    with published.alone(settings):
        result = extract.extract_source(settings, contract, progress)
    for warning in (*result.warnings, *result.ending):
        progress(f"Warning: {warning}")
    _notify_ending(settings, result, progress)
    return result


def _notify_ending(settings: Settings, result: "ExtractResult", progress: Progress) -> None:
    """Mail the owner each version of a service's API that ends soon, once. The extraction succeeds without the mail."""
    from scorecard.delivery.notify import notify_ending

    for sentence in result.ending:
        try:
            notify_ending(settings, result.source, sentence)
        except ScorecardError as error:
            progress(f"The mail to the owner failed: {error}")


def extract_all(settings: Settings, names: Iterable[str], progress: Progress = print) -> list[ScorecardError]:
    """Extract some sources, and go on after a failure; return the errors."""
    failed = []
    for source in names:
        try:
            extract(settings, source, progress)
        except ScorecardError as error:
            progress(f"{source}: failed")
            failed.append(error)
    return failed


def confirm(settings: Settings, source: str, file: str, sha256: str) -> "Confirmation":
    """Accept a suspect version of an export. The next extraction loads it.

    Raises
    ------
    ScorecardError: the source is unknown, or no such version of that file is suspect.
    """
    from scorecard import extract

    return extract.confirm(settings, _contract(settings, source), file, sha256)


def confirmations(settings: Settings) -> "list[Confirmation]":
    """Return the confirmed suspect versions, oldest first. Raises ScorecardError if their list is damaged."""
    from scorecard import extract

    return extract.confirmations(settings)


def _contract(settings: Settings, source: str) -> "SourceContract":
    from scorecard import extract

    contracts = extract.load_contracts(settings)
    if source not in contracts:
        raise ScorecardError(
            f"There is no source {source!r} that is declared and, if it is a service, set up.",
            f"Choose one of: {', '.join(sorted(contracts))}. A service needs [services.{source}] in scorecard.toml."
            if contracts
            else "Declare one: `scorecard new source NAME --from FILE` writes a start.",
        )
    return contracts[source]


def units_behind(settings: Settings) -> list[str]:
    """Return the business units with a source that is not up to date or was never loaded."""
    from scorecard.extract.raw import troubles

    behind = {trouble.business_unit for trouble in troubles.read_all(settings)}
    return sorted(business_units(settings) if ALL_UNITS in behind else behind)


def check_sources(settings: Settings) -> "Iterator[SourceCheck]":
    """Yield for each source whether it is reachable, its account, what it may read and what is missing."""
    from scorecard import extract

    return extract.check(settings, extract.load_contracts(settings))
