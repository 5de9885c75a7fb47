"""How to take the result of a bulk job apart."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from scorecard.extract.services.response import ServiceResponse, kind_of, understood
from scorecard.extract.services.salesforce.queries import written
from scorecard.shared.errors import ScorecardError


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
    def texts(self) -> list[bytes]:
        """The records as the query would have given them."""
        return [msgspec.json.encode(record) for record in self.records]


def part_problem(answer: ServiceResponse) -> str:
    """Say why an answer is no part of a bulk job's result, "" where it is."""
    if kind_of(answer) != "text/csv":
        return kind_of(answer)
    if any(name not in answer.headers for name in ("Sforce-Locator", "Sforce-NumberOfRecords")):
        return "a part of a result that does not say whether it is the last"
    is_whole = answer.body.endswith(b"\n") or (not answer.body and answer.headers["Sforce-NumberOfRecords"] == "0")
    return "" if is_whole else "a part of a result that breaks off"


def part_of(answer: ServiceResponse, is_moment: Callable[[str], bool]) -> BulkResultPart:
    """Take a part of a bulk job's result apart.

    Raises
    ------
    ScorecardError: it has not as many records as it says.
    """
    with understood(answer.service, "a part of a bulk job's result"):
        records, expected = list(_csv_records(answer.body, is_moment)), int(answer.headers["Sforce-NumberOfRecords"])
    if len(records) != expected:
        raise ScorecardError(
            f"A part of a bulk job's result of {answer.service} has {len(records)} of {expected} records.",
            "Run again: what was read before is kept.",
        )
    locator = answer.headers["Sforce-Locator"]
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
