"""Rows as the API writes them: JSON of REST, CSV of the Bulk API, and what describe says."""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sandbox.standins.salesforce.objects import Column, CurrentRecord

NUMBERS = ("double", "currency", "percent")


def records(kind: str, columns: list[Column], rows: Iterable[CurrentRecord], version: str) -> list[dict[str, Any]]:
    """Return rows as REST gives them."""
    path = f"/services/data/v{version}/sobjects/{kind}/"
    reads = [(column.name, _read_for_rest(column)) for column in columns]
    return [
        {"attributes": {"type": kind, "url": path + row.id}, **{name: read(row) for name, read in reads}}
        for row in rows
    ]


def as_csv(columns: list[Column], rows: Iterable[CurrentRecord], delimiter: str, line_end: str) -> str:
    """Return rows as a result set of Bulk API 2.0, with a line of names; null and empty look the same there."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerow([column.name for column in columns])
    reads = [_read_for_bulk(column) for column in columns]
    writer.writerows([read(row) for read in reads] for row in rows)
    return text.getvalue()


def described(kind: str, columns: Iterable[Column], version: str) -> dict[str, Any]:
    """Return an object's description; of a field's many attributes those that readers use."""
    return {**summary(kind, version), "fields": [_described(column) for column in columns]}


def summary(kind: str, version: str) -> dict[str, Any]:
    """Return what the list of objects says of one."""
    path = f"/services/data/v{version}/sobjects/{kind}"
    return {
        "name": kind,
        "label": kind,
        "custom": kind.endswith("__c"),
        "queryable": True,
        "retrieveable": True,
        "replicateable": True,
        "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": path + "/{ID}"},
    }


def rest_time(moment: datetime) -> str:
    """Return a moment in UTC as REST writes it."""
    return moment.isoformat(timespec="milliseconds")[:23] + "+0000"


def _described(column: Column) -> dict[str, Any]:
    custom = column.name.endswith("__c")
    return {
        "name": column.name,
        "label": column.name,
        "type": column.type,
        "nillable": column.nillable,
        "custom": custom,
        "calculated": False,
        "filterable": not column.compound,
        "sortable": not column.compound,
        "length": {"string": 255, "id": 18, "reference": 18}.get(column.type, 0),
    }


def _read_for_rest(column: Column) -> Callable[[CurrentRecord], Any]:
    if column.type != "datetime":
        return column.read
    return lambda row: None if (value := column.read(row)) is None else rest_time(value)


def _read_for_bulk(column: Column) -> Callable[[CurrentRecord], Any]:
    if column.type == "datetime":
        return lambda row: "" if (value := column.read(row)) is None else rest_time(value)[:-5] + "Z"
    if column.type == "boolean":
        return lambda row: "" if (value := column.read(row)) is None else str(value).lower()
    if column.type in NUMBERS:
        return lambda row: "" if (value := column.read(row)) is None else float(value)
    return column.read
