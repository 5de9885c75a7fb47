"""Queries of Salesforce's records (SOQL), their pages, and the results of bulk jobs."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from scorecard.extract.services.response import ServiceResponse, kind_of, understood
from scorecard.extract.services.salesforce.settings import LONGEST_QUERY
from scorecard.shared.errors import ScorecardError


class QueryPage(msgspec.Struct, rename={"next_url": "nextRecordsUrl", "total": "totalSize"}):
    """A page of records, left as they came."""

    records: list[msgspec.Raw]
    done: bool
    total: int = 0
    next_url: str = ""


class Field(msgspec.Struct):
    """A field of an object."""

    name: str
    type: str


class Fields(msgspec.Struct):
    """The fields of an object that the user may read."""

    fields: list[Field]


@dataclass(frozen=True)
class Described:
    """Types of an object's readable fields, by name, and the org's time when it named them."""

    types: dict[str, str]
    at: datetime


@dataclass(frozen=True)
class Query:
    """A query of an object's records; ``where`` is a condition beside those of time."""

    name: str
    fields: Sequence[str]
    stamp: str
    where: str = ""

    @property
    def of_ids(self) -> "Query":
        """The same for nothing but the ids."""
        return replace(self, fields=("Id",))

    @property
    def is_long(self) -> bool:
        """Whether the query is too long for an address; a bulk job is posted instead."""
        return len(",".join(self.fields)) > LONGEST_QUERY

    def between(self, low: datetime | None, high: datetime | None) -> str:
        """Write the query of a stretch of time, half-open."""
        limits = [
            self.where,
            f"{self.stamp} >= {written(low)}" if low else "",
            f"{self.stamp} < {written(high)}" if high else "",
        ]
        return soql(self.fields, self.name, " AND ".join(filter(None, limits)), f"{self.stamp}, Id")


def soql(fields: Iterable[str], name: str, where: str = "", order: str = "") -> str:
    """Write a query. Names and moments come from the contract, describe and earlier responses, each checked."""
    query = f"SELECT {', '.join(fields)} FROM {name}"
    return query + (f" WHERE {where}" if where else "") + (f" ORDER BY {order}" if order else "")


def moment(text: str) -> datetime:
    """Read one of Salesforce's moments, as `2024-01-31T10:00:00.000+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(at: datetime) -> str:
    """Write a moment as SOQL wants it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def ids_of(page: QueryPage) -> list[str]:
    """Return the ids of a page's records."""
    return [str(msgspec.json.decode(record)["Id"]) for record in page.records]


class Job(msgspec.Struct, rename={"records": "numberRecordsProcessed"}):
    """A bulk job; ``records`` is how many its result has, once it is complete."""

    id: str
    state: str
    records: int | None = None


@dataclass(frozen=True)
class BulkResultPart:
    """A part of a bulk job's result; ``locator`` is where the next one begins, "" after the last."""

    records: list[dict[str, Any]]
    locator: str

    @property
    def json_records(self) -> list[bytes]:
        """The records as a page of a query has them."""
        return [msgspec.json.encode(record) for record in self.records]


def part_problem(response: ServiceResponse) -> str:
    """Return why a response is no part of a bulk job's result, "" if it is."""
    if kind_of(response) != "text/csv":
        return kind_of(response)
    if any(name not in response.headers for name in ("Sforce-Locator", "Sforce-NumberOfRecords")):
        return "a part of a result that does not say whether it is the last"
    is_empty = not response.body and response.headers["Sforce-NumberOfRecords"] == "0"
    is_whole = response.body.endswith(b"\n") or is_empty
    return "" if is_whole else "a part of a result that breaks off"


def part_of(response: ServiceResponse, is_moment: Callable[[str], bool]) -> BulkResultPart:
    """Take a part of a bulk job's result apart.

    Raises
    ------
    ScorecardError: it has more or fewer records than it says.
    """
    with understood(response.service, "a part of a bulk job's result"):
        records, expected = (
            list(_csv_records(response.body, is_moment)),
            int(response.headers["Sforce-NumberOfRecords"]),
        )
    if len(records) != expected:
        raise ScorecardError(
            f"A part of a bulk job's result of {response.service} has {len(records)} of {expected} records.",
            "Run again: what was read before is kept.",
        )
    locator = response.headers["Sforce-Locator"]
    return BulkResultPart(records, "" if locator == "null" else locator)


def _csv_records(body: bytes, is_moment: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Yield records. Moments may come as milliseconds since 1970."""
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig", errors="replace"), newline=""))
    header = next(rows, [])
    moments = {name for name in header if is_moment(name)}
    for row in rows:
        record: dict[str, Any] = {name: value or None for name, value in zip(header, row, strict=True)}
        for name in moments:
            if (value := record[name]) and value.isdecimal():
                record[name] = written(datetime.fromtimestamp(int(value) / 1000, UTC))
        yield record


def forget_job(reached: dict[str, Any]) -> int:
    """Take a bulk job out of a cursor; return how many of its records were read."""
    read = reached.pop("read", 0)
    for key in ("job", "locator", "newest"):
        reached.pop(key, None)
    return int(read)
