"""Fields that no contract declares, stored as one JSON object a record in the raw column `_undeclared`.

New fields don't change the raw table, and their names can't collide with a column. The names in the object are sorted,
and nulls are left out, so the same fields always give the same text. A record without such fields has null.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from scorecard.extract.contracts.contract import PARENT, Column, ObjectContract, RecordShape
from scorecard.shared.sql import literal
from scorecard.shared.text import plain

UNDECLARED = Column("_undeclared", "varchar", "_undeclared", False)

NAMES_SHOWN = 5
"""Names that a sentence lists."""

_decoder = msgspec.json.Decoder(float_hook=str)


def _first_names(names: Sequence[str]) -> str:
    """List the first few names, and say how many more there are.

    >>> _first_names(["a", "b"]), _first_names(list("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    first = ", ".join(plain(name, 40) for name in names[:NAMES_SHOWN])
    return first + (f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else "")


def undeclared_warning(what: str, names: Sequence[str], declared_in: Path) -> str:
    """Return the warning about the undeclared fields of a file or an object."""
    return (
        f"{what} has fields its contract doesn't know, {len(names)} of them: {_first_names(names)}. They are kept"
        f" together as JSON in {UNDECLARED.name}; to use one, describe it in {declared_in}."
    )


def names_in(header: Sequence[str], declared: Sequence[Column | None]) -> dict[str, int]:
    """Return the position of each undeclared column of a header, from 1, by a unique name.

    >>> names_in(["id", "Note", "", "Note"], [Column("id", "bigint", "id", True), None, None, None])
    {'Note': 2, 'column 3': 3, 'Note (column 4)': 4}
    """
    places: dict[str, int] = {}
    for position, (text, column) in enumerate(zip(header, declared, strict=True), start=1):
        if column is None:
            name = text.strip() or f"column {position}"
            places[f"{name} (column {position})" if name in places else name] = position
    return places


def as_json(names: Sequence[str], texts: str, null_texts: str) -> str:
    """SQL of `_undeclared` out of a list of texts, one a name; `null_texts` is SQL of those that mean "no value"."""
    if not names:
        return "null::varchar"
    pairs = f"list_zip([{', '.join(map(literal, names))}], {texts})"
    with_value = f"list_filter({pairs}, lambda pair: trim(pair[2]) not in ({null_texts}))"
    return f"nullif(to_json(map_from_entries({with_value}))::varchar, '{{}}')"


@dataclass
class UndeclaredFields:
    """Takes the undeclared fields out of a service's records; `names` collects their names."""

    contract: ObjectContract
    shape: RecordShape
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        shape = self.shape
        paths = [column.header for column in self.contract.columns]
        paths += [shape.deleted, shape.deleted_at, shape.merged_into, PARENT[:-1], *shape.ignored]
        # A declared path is an empty branch: all below it is declared.
        self._declared: dict[str, Any] = {}
        for path in sorted(filter(None, paths), key=len):
            parts = re.split(r"[.\[]", path.partition("[")[0])
            _add_path(self._declared, parts)

    def take_from(self, record: bytes | str) -> str | None:
        """Return the undeclared fields of a record as JSON, None if there are none."""
        fields = self._undeclared_in(_decoder.decode(record), self._declared, "")
        return msgspec.json.encode(fields, order="sorted").decode() if fields else None

    def _undeclared_in(self, fields: Mapping[str, Any], declared: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        undeclared = {}
        for name, value in fields.items():
            branch = declared.get(name)
            if value is None or branch == {}:
                continue
            if branch is None:
                self.names.add(f"{prefix}{name}")
                undeclared[name] = value
            elif isinstance(value, dict) and (inner := self._undeclared_in(value, branch, f"{prefix}{name}.")):
                undeclared[name] = inner
        return undeclared


def _add_path(tree: dict[str, Any], parts: Sequence[str]) -> None:
    """Add a path to a tree of declared names.

    An empty branch declares all that is below it, so a path below an empty branch adds nothing.
    """
    branch = tree
    for depth, part in enumerate(parts, start=1):
        if depth == len(parts):
            branch[part] = {}
        elif branch.get(part) == {}:
            return
        else:
            branch = branch.setdefault(part, {})
