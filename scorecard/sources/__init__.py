"""From a folder of exports to versioned raw tables. See README.md beside this file."""

from scorecard.sources.contract import Column, ObjectContract, SourceContract, load_contracts
from scorecard.sources.extract import ExtractResult, LoadedObject, extract
from scorecard.sources.held import read_held

__all__ = [
    "Column",
    "ExtractResult",
    "LoadedObject",
    "ObjectContract",
    "SourceContract",
    "extract",
    "load_contracts",
    "read_held",
]
