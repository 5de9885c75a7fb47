"""Drift: declared fields that a service no longer has, or has in another type.

The records of a scratch table are JSON in `_record`; `<table>_typed` has their fields in the declared types.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from scorecard.extract.contracts.contract import PARENT, Column, ObjectContract, json_path, top_of
from scorecard.extract.raw.validate import count
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import literal, quoted

if TYPE_CHECKING:
    import duckdb

LARGE = 4096
"""Average bytes of a record above which few records are taken apart at once."""

BYTES_AT_ONCE = 4 * 2**20
"""Bytes of large records taken apart at once: DuckDB takes 2048 records and keeps the results in memory."""

MIN_VALUES = 20
"""The number of values of a field from which on an object fails if none of them fits the field's type."""


def stretches(db: "duckdb.DuckDBPyConnection", table: str) -> list[str]:
    """Return SQL conditions that split the records of a table into stretches to process one by one; often one."""
    rows, size, last = db.execute(
        f"select count(*), coalesce(sum(strlen(_record)), 0), coalesce(max(rowid), 0) from {table}"
    ).fetchone() or (0, 0, 0)
    if size <= rows * LARGE:
        return ["true"]
    step = max(1, rows * BYTES_AT_ONCE // size)
    return [f"rowid between {first} and {first + step - 1}" for first in range(0, last + 1, step)]


def refuse_lacking(db: "duckdb.DuckDBPyConnection", table: str, contract: ObjectContract) -> None:
    """Fail if no record has a declared field: it was renamed or dropped."""
    if not count(db, table):
        return
    for column in contract.columns:
        top = top_of(column.header)
        header = top if "[" in column.header else column.header
        if column.optional or column.header.startswith(PARENT) or _any_has(db, table, header):
            continue
        # A nested field is missing only if a record has its parent.
        parent = column.header.rpartition(".")[0]
        if not parent or _any_has(db, table, parent, "= 'OBJECT'") or not _any_has(db, table, top):
            raise lacking(contract, [column])


def _any_has(db: "duckdb.DuckDBPyConnection", table: str, field: str, condition: str = "is not null") -> bool:
    """Whether any record has a field, be it null."""
    has_field = f"json_type(_record, {literal(json_path(field))}) {condition}"
    return any(
        db.execute(f"select 1 from {table} where {stretch} and {has_field} limit 1").fetchone()
        for stretch in stretches(db, table)
    )


def refuse_retyped(db: "duckdb.DuckDBPyConnection", table: str, contract: ObjectContract) -> None:
    """Fail if a field has many values and none fits its type."""
    columns = [column for column in contract.columns if column.data_type != "varchar"]
    fit = ", ".join(f"count({quoted(column.name)})" for column in columns) or "1"
    fits = db.execute(f"select {fit} from {table}_typed").fetchone() or ()
    for column in (column for column, fitting in zip(columns, fits, strict=False) if not fitting):
        path = literal(json_path(column.header))
        counts = (
            db.execute(f"select count(json_extract_string(_record, {path})) from {table} where {stretch}").fetchone()
            for stretch in stretches(db, table)
        )
        values = sum(row[0] for row in counts if row)
        if values >= MIN_VALUES:
            raise ScorecardError(
                f"The field {column.header} of {contract.object} holds no {column.data_type} any more:"
                f" none of {values} values fits.",
                f"If its type was changed at the service, set the data_type of {column.name} in"
                f" {contract.declared_in} to one that fits, and change the staging model of {contract.name} in the same"
                " folder. If it was not, correct the values at the service.",
            )


def refuse_changed_fields(
    contract: ObjectContract,
    fields: Mapping[Column, str],
    types: Mapping[str, str],
    fitting: Mapping[str, Sequence[str]],
    word: str,
    product: str,
) -> None:
    """Fail if the service lacks a declared field, or has it in a type that its declared type doesn't fit.

    Parameters
    ----------
    fields: by declared column, the field's name at the service. types: by field, its type there.
    fitting: by type there, the declared types that fit; "varchar" always does.
    word, product: what errors call a field, and the service.
    """
    if gone := [column for column, name in fields.items() if name not in types]:
        raise lacking(contract, gone)
    for column, name in fields.items():
        declared = column.data_type.partition("(")[0]
        if declared != "varchar" and declared not in fitting.get(types[name], ()):
            raise wrong_type(
                contract,
                column,
                f"The {word} {name} of {contract.object} is a {types[name]} in {product}, and a {column.data_type} in"
                " the contract.",
            )


def wrong_type(contract: ObjectContract, column: Column, problem: str) -> ScorecardError:
    """Return the error of a declared field that has another type at the service."""
    return ScorecardError(
        problem,
        f"Set the data_type of {column.name} in {contract.declared_in} to a type that fits, and change the staging"
        f" model of {contract.name} in the same folder.",
    )


def lacking(contract: ObjectContract, columns: Iterable[Column]) -> ScorecardError:
    """Return the error of declared fields that the service no longer has."""
    return ScorecardError(
        f"{contract.object} has no field {', '.join(column.header for column in columns)} any more.",
        "If it was renamed, write its new name as config.meta.header of"
        f" {', '.join(column.name for column in columns)} in {contract.declared_in}; if it is gone for good, take it"
        f" out there and out of the staging model of {contract.name} beside it.",
    )
