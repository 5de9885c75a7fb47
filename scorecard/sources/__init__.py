"""From exports and services to versioned raw tables. See README.md beside this file."""

from collections.abc import Callable

from scorecard.settings import Settings
from scorecard.sources.connectors import Checked, check, connector
from scorecard.sources.contract import Column, ObjectContract, SourceContract, load_contracts
from scorecard.sources.extract import ExtractResult, LoadedObject, extract_files
from scorecard.sources.held import read_held
from scorecard.sources.service import extract_service


def extract(
    settings: Settings, source: SourceContract, progress: Callable[[str], None] = lambda _: None
) -> ExtractResult:
    """Bring the raw tables of a source up to date; see `extract_files` and `extract_service`."""
    if source.service:
        return extract_service(settings, source, connector(settings, source), progress)
    return extract_files(settings, source, progress)


__all__ = [
    "Checked",
    "Column",
    "ExtractResult",
    "LoadedObject",
    "ObjectContract",
    "SourceContract",
    "check",
    "extract",
    "load_contracts",
    "read_held",
]
