"""What an extraction did, and the one error of several raw tables."""

from collections.abc import Mapping
from dataclasses import dataclass

from scorecard.extract.contracts.contract import SourceContract
from scorecard.shared.errors import ScorecardError, Temporary


@dataclass(frozen=True)
class LoadedObject:
    """One object that was loaded; `rows_new` and `rows_retired` count versions begun and ended."""

    name: str
    rows_read: int
    rows_loaded: int
    rows_quarantined: int
    rows_new: int
    rows_retired: int

    def __add__(self, later: "LoadedObject") -> "LoadedObject":
        """Add what a later load did to the same raw table."""
        return LoadedObject(
            self.name,
            self.rows_read + later.rows_read,
            self.rows_loaded + later.rows_loaded,
            self.rows_quarantined + later.rows_quarantined,
            self.rows_new + later.rows_new,
            self.rows_retired + later.rows_retired,
        )


@dataclass(frozen=True)
class ExtractResult:
    """What one extraction did. `load_id` is None if nothing was loaded; `warnings` are sentences.

    ``ending``: sentences about versions of an API whose support ends soon.
    """

    source: str
    load_id: str | None
    loaded: tuple[LoadedObject, ...]
    unchanged: tuple[str, ...]
    warnings: tuple[str, ...]
    ending: tuple[str, ...] = ()


def joined_error(source: SourceContract, errors: Mapping[str, ScorecardError]) -> ScorecardError:
    """Return one error for several raw tables; tables that are read from one object share an error."""
    distinct = list(dict.fromkeys(errors.values()))
    if len(distinct) == 1:
        joined = distinct[0]
    else:
        problems = " ".join(f"({number}) {error.problem}" for number, error in enumerate(distinct, start=1))
        cures = " ".join(f"({number}) {error.cure}" for number, error in enumerate(distinct, start=1))
        kind = Temporary if any(isinstance(error, Temporary) for error in distinct) else ScorecardError
        joined = kind(f"{len(distinct)} objects of {source.name} cannot be loaded: {problems}", cures)
    joined.by_object = dict(errors)
    return joined
