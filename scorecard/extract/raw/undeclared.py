"""Fields that no contract declares: of each record they are one JSON object in the raw column `_undeclared`.

Their number doesn't change the raw table, and their names can collide with no column. The object's names are in order
and nulls are left out, so that the same fields are always the same text; null stands for no field.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from scorecard.extract.contracts.contract import Column, ObjectContract
from scorecard.extract.contracts.record_shape import PARENT, RecordShape
from scorecard.shared.sql import literal
from scorecard.shared.text import plain

UNDECLARED = Column("_undeclared", "varchar", "_undeclared", False)

FEW = 5
"""Names that a sentence lists."""

_decoder = msgspec.json.Decoder(float_hook=str)


def named(names: Sequence[str]) -> str:
    """List the first few names, and say how many more there are.

    >>> named(["a", "b"]), named(list("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    few = ", ".join(plain(name, 40) for name in names[:FEW])
    return few + (f" and {len(names) - FEW} more" if len(names) > FEW else "")


def undeclared_warning(what: str, names: Sequence[str], declared_in: Path) -> str:
    """Say how many fields of a file or an object nobody declared."""
    return (
        f"{what} has fields its contract doesn't know, {len(names)} of them: {named(names)}. They are kept together as"
        f" JSON in {UNDECLARED.name}; to use one, describe it in {declared_in}."
    )


def names_in(header: Sequence[str], declared: Sequence[Column | None]) -> dict[str, int]:
    """Return the position of each column of a header that isn't declared, from 1, by a name that no other has.

    >>> names_in(["id", "Note", "", "Note"], [Column("id", "bigint", "id", True), None, None, None])
    {'Note': 2, 'column 3': 3, 'Note (column 4)': 4}
    """
    places: dict[str, int] = {}
    for position, (text, column) in enumerate(zip(header, declared, strict=True), start=1):
        if column is None:
            name = text.strip() or f"column {position}"
            places[f"{name} (column {position})" if name in places else name] = position
    return places


def as_json(names: Sequence[str], texts: str, nothing: str) -> str:
    """SQL of `_undeclared` out of a list of texts, one a name; `nothing` is SQL of the texts that are no value."""
    if not names:
        return "null::varchar"
    pairs = f"list_zip([{', '.join(map(literal, names))}], {texts})"
    some = f"list_filter({pairs}, lambda pair: trim(pair[2]) not in ({nothing}))"
    return f"nullif(to_json(map_from_entries({some}))::varchar, '{{}}')"


@dataclass
class Rest:
    """Takes out of a service's records what its contract doesn't declare; `names` are all it has come upon."""

    contract: ObjectContract
    shape: RecordShape
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        shape = self.shape
        paths = [column.header for column in self.contract.columns]
        paths += [shape.deleted, shape.deleted_at, shape.merged_into, PARENT[:-1], *shape.ignored]
        # A declared path is an empty branch: nothing below it is looked for.
        self._declared: dict[str, Any] = {}
        for path in sorted(filter(None, paths), key=len):
            parts = re.split(r"[.\[]", path.partition("[")[0])
            _grow(self._declared, parts)

    def of(self, record: bytes | str) -> str | None:
        """Return the fields nobody declared of a record, as JSON, None where there is none."""
        rest = self._cut(_decoder.decode(record), self._declared, "")
        return msgspec.json.encode(rest, order="sorted").decode() if rest else None

    def _cut(self, fields: Mapping[str, Any], declared: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        rest = {}
        for name, value in fields.items():
            branch = declared.get(name)
            if value is None or branch == {}:
                continue
            if branch is None:
                self.names.add(f"{prefix}{name}")
                rest[name] = value
            elif isinstance(value, dict) and (inner := self._cut(value, branch, f"{prefix}{name}.")):
                rest[name] = inner
        return rest


def _grow(tree: dict[str, Any], parts: Sequence[str]) -> None:
    """Add a path to a tree of declared names, unless a shorter one ends on its way."""
    for number, part in enumerate(parts, start=1):
        if number == len(parts):
            tree[part] = {}
        elif tree.get(part) == {}:
            return
        else:
            tree = tree.setdefault(part, {})
