"""From exports and services to versioned raw tables. See README.md beside this file."""

from collections.abc import Callable

from scorecard.settings import Settings
from scorecard.sources import troubles
from scorecard.sources.connectors import Checked, check, connector
from scorecard.sources.contract import Column, ObjectContract, SourceContract
from scorecard.sources.declared import load_contracts
from scorecard.sources.extract import ExtractResult, LoadedObject, extract_files, refuse_unfit_state
from scorecard.sources.held import read_held
from scorecard.sources.service import extract_service
from scorecard.sources.suspect import Confirmation, confirm, confirmations


def extract(
    settings: Settings, source: SourceContract, progress: Callable[[str], None] = lambda _: None
) -> ExtractResult:
    """Bring the raw tables of a source up to date, and note in `troubles` what keeps them from it.

    See `extract_files` and `extract_service`.
    """
    refuse_unfit_state(settings.state)
    try:
        if source.service:
            result = extract_service(settings, source, connector(settings, source), progress)
        else:
            result = extract_files(settings, source, progress)
    except Exception as error:
        troubles.record(settings, source, error)
        raise
    troubles.record(settings, source, None)
    return result


__all__ = [
    "Checked",
    "Column",
    "Confirmation",
    "ExtractResult",
    "LoadedObject",
    "ObjectContract",
    "SourceContract",
    "check",
    "confirm",
    "confirmations",
    "extract",
    "load_contracts",
    "read_held",
]
