"""From exports and services to versioned raw tables. See README.md beside this file."""

from collections.abc import Callable

from scorecard.extract.connectors import SourceCheck, check, connector, record_url
from scorecard.extract.contracts.contract import Column, ObjectContract, SourceContract
from scorecard.extract.contracts.declared_contracts import load_contracts
from scorecard.extract.files.file_extraction import extract_files
from scorecard.extract.raw import troubles
from scorecard.extract.raw.extraction import ExtractResult, LoadedObject, refuse_unfit_state
from scorecard.extract.raw.raw_tables import read_state
from scorecard.extract.raw.recover import recover
from scorecard.extract.raw.suspect import Confirmation, confirm, confirmations
from scorecard.extract.services.service_extraction import extract_service
from scorecard.shared.settings import Settings


def extract_source(
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
    "Column",
    "Confirmation",
    "ExtractResult",
    "LoadedObject",
    "ObjectContract",
    "SourceCheck",
    "SourceContract",
    "check",
    "confirm",
    "confirmations",
    "extract_source",
    "load_contracts",
    "read_state",
    "record_url",
    "recover",
]
