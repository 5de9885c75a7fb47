"""Queries of Salesforce's records (SOQL), and their pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec


class QueryPage(msgspec.Struct, rename={"next_url": "nextRecordsUrl", "total": "totalSize"}):
    """An answer to a query; the records are left as they came."""

    records: list[msgspec.Raw]
    done: bool
    total: int = 0
    next_url: str = ""


class Field(msgspec.Struct):
    """A field that an object has."""

    name: str
    type: str


class Fields(msgspec.Struct):
    """What an object is."""

    fields: list[Field]


@dataclass(frozen=True)
class Described:
    """Types of an object's fields, by name, and the org's time when that was asked."""

    types: dict[str, str]
    at: datetime


@dataclass(frozen=True)
class Query:
    """What to ask of an object; ``where`` is a condition beside those of time."""

    name: str
    fields: Sequence[str]
    stamp: str
    where: str = ""

    @property
    def of_ids(self) -> "Query":
        """The same for nothing but the ids."""
        return replace(self, fields=("Id",))

    def between(self, low: datetime | None, high: datetime | None) -> str:
        """Write the query of a stretch of time, half-open."""
        limits = [
            self.where,
            f"{self.stamp} >= {written(low)}" if low else "",
            f"{self.stamp} < {written(high)}" if high else "",
        ]
        return soql(self.fields, self.name, " AND ".join(filter(None, limits)), f"{self.stamp}, Id")


def soql(fields: Iterable[str], name: str, where: str = "", order: str = "") -> str:
    """Write a query. Names and moments come from the contract, describe and earlier answers, each checked."""
    text = f"SELECT {', '.join(fields)} FROM {name}"
    return text + (f" WHERE {where}" if where else "") + (f" ORDER BY {order}" if order else "")


def moment(text: str) -> datetime:
    """Read one of Salesforce's moments, as `2024-01-31T10:00:00.000+0000`."""
    return datetime.fromisoformat(text).astimezone(UTC)


def written(at: datetime) -> str:
    """Write a moment as SOQL wants it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def ids_of(page: QueryPage) -> list[str]:
    """Return the ids of a page's records."""
    return [str(msgspec.json.decode(record)["Id"]) for record in page.records]
