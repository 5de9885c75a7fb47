"""Copies of closes that the product made, with rows and documents that a test changed."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from scorecard.closes import store
from scorecard.closes.verify import problems_of
from scorecard.shared.files import sha256_of

Row = dict[str, Any]


class OpenClose:
    """The rows of a close's tables, as dictionaries, and its documents. A test changes them in place.

    Each is read when a test first asks for it, and ``save`` writes only those.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest: Row = store.read_manifest(folder)
        self._tables: dict[str, list[Row]] = {}
        self._documents: dict[str, Any] = {}

    @property
    def values(self) -> list[Row]:
        """Return the figures. If all rows lose a column, the table loses it."""
        return self._table("values.parquet")

    @property
    def checks(self) -> list[Row]:
        """Return the checks."""
        return self._table("checks.parquet")

    @property
    def actions(self) -> list[Row]:
        """Return the decisions of the last review."""
        return self._table("actions.parquet")

    @property
    def targets(self) -> list[Row]:
        """Return the targets."""
        return self._table("targets.parquet")

    @property
    def definitions(self) -> Row:
        """Return what the close says of its scorecard, metrics and settings."""
        definitions: Row = self._document("definitions.json")
        return definitions

    @property
    def restatements(self) -> list[Row]:
        """Return the differences from the edition before."""
        restatements: list[Row] = self._document("restatements.json")
        return restatements

    def show(self, metrics: Sequence[str], breakdowns: Sequence[tuple[str, str]]) -> None:
        """Let the scorecard show only these metrics, and these breakdowns by metric and dimension."""
        self.definitions["scorecard"] |= {"metrics": metrics, "breakdowns": breakdowns}

    def figures(self, metric: str, period: str | None = None, dimension: str = "business_unit") -> list[Row]:
        """Return the rows of values of a metric and a dimension, of one period or of all."""
        return [
            row
            for row in self.values
            if (row["metric"], row["dimension"]) == (metric, dimension) and period in (None, row["period"])
        ]

    def save(self) -> Path:
        """Write what was read, and a manifest with its hashes. Return the folder, which is named after the edition."""
        for name, rows in self._tables.items():
            schema = pq.read_schema(self.folder / name)
            if rows:
                schema = pa.schema([field for field in schema if any(field.name in row for row in rows)])
            store.write_parquet(self.folder / name, pa.Table.from_pylist(rows, schema=schema))
        for name, content in self._documents.items():
            (self.folder / name).write_bytes(store.json_bytes(content))
        files = {name: sha256_of(self.folder / name) for name in self.manifest["files"]}
        close_id = "{scorecard}-{period}-e{edition}".format_map(self.manifest)
        self.manifest |= {"close_id": close_id, "files": files, "content_sha256": store.content_sha256(files)}
        (self.folder / store.MANIFEST).write_bytes(store.json_bytes(self.manifest))
        self.folder = self.folder.rename(self.folder.with_name(close_id))
        assert problems_of(self.folder) == []
        return self.folder

    def _table(self, name: str) -> list[Row]:
        if name not in self._tables:
            self._tables[name] = pq.read_table(self.folder / name).to_pylist()
        return self._tables[name]

    def _document(self, name: str) -> Any:
        if name not in self._documents:
            self._documents[name] = json.loads((self.folder / name).read_bytes())
        return self._documents[name]


Change = Callable[[OpenClose], object]


def changed_close(close: Path, folder: Path, change: Change) -> Path:
    """Copy a close into a folder, let ``change`` change the copy, and return the copy with right hashes."""
    opened = OpenClose(Path(shutil.copytree(close, folder / close.name)))
    change(opened)
    return opened.save()
