"""Query jobs of Bulk API 2.0."""

import base64
import binascii
import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.standins.salesforce.filters import ObjectQuery
from sandbox.standins.salesforce.objects import CurrentRecord
from sandbox.standins.salesforce.problems import SalesforceRefusal
from sandbox.standins.salesforce.shapes import as_csv, rest_time

DELIMITERS = {"COMMA": ",", "TAB": "\t", "SEMICOLON": ";", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`"}
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n"}
ENDED = ("JobComplete", "Aborted", "Failed")
MOST_RECORDS = 50_000
"""How many records a result set has if the client does not say; the service promises no number."""


@dataclass
class Job:
    """A query job and its result, which is that of the moment when the job was made."""

    id: str
    operation: str
    search: ObjectQuery
    rows: list[CurrentRecord]
    made: datetime
    version: str
    delimiter: str
    line_end: str
    state: str = "UploadComplete"
    polls: int = 0

    def shown(self) -> dict[str, Any]:
        """Return what the API says of the job."""
        description = {
            "id": self.id,
            "operation": self.operation,
            "object": self.search.kind,
            "createdDate": rest_time(self.made),
            "systemModstamp": rest_time(self.made),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": self.line_end,
            "columnDelimiter": self.delimiter,
        }
        if self.state == "JobComplete":
            description["numberRecordsProcessed"] = len(self.rows)
        if self.state == "Failed":
            description["errorMessage"] = "InternalServerError: the job could not be processed"
        return description


class Jobs:
    """The jobs of an organisation.

    A job is found InProgress ``polls`` times before it is complete. One that a fault strikes ends as ``struck_as``
    says: Aborted or Failed.
    """

    def __init__(self) -> None:
        self.polls = 1
        self.struck_as = "Aborted"
        self._jobs: dict[str, Job] = {}
        self._numbers = itertools.count(1)

    def make(self, search: ObjectQuery, wanted: dict[str, Any], version: str, now: datetime) -> Job:
        """Make a job; refuse what Bulk API 2.0 cannot query."""
        operation = wanted.get("operation")
        delimiter, line_end = wanted.get("columnDelimiter", "COMMA"), wanted.get("lineEnding", "LF")
        if operation not in ("query", "queryAll") or delimiter not in DELIMITERS or line_end not in LINE_ENDS:
            raise SalesforceRefusal("API_ERROR", "The job's operation, columnDelimiter or lineEnding is not valid")
        if not search.columns or search.query.offset is not None:
            raise SalesforceRefusal("API_ERROR", "Aggregate functions and OFFSET are not supported in Bulk Query")
        if any(column.compound for column in search.columns):
            raise SalesforceRefusal("API_ERROR", "Selecting compound data not supported in Bulk Query")
        rows = search.rows(deleted=operation == "queryAll")
        job = Job(f"750{next(self._numbers):012d}AAA", operation, search, rows, now, version, delimiter, line_end)
        self._jobs[job.id] = job
        return job

    def poll(self, job_id: str, struck: bool) -> Job:
        """Return a job, which a look at it moves on."""
        job = self._job(job_id)
        if job.state in ENDED:
            return job
        job.polls += 1
        job.state = "InProgress" if job.polls <= self.polls else "JobComplete"
        if struck:
            job.state = self.struck_as
        return job

    def results(self, job_id: str, most: str | None, locator: str | None, repeated: bool) -> tuple[str, int, str]:
        """Return a result set: its CSV, the number of its records, and the locator of the next one or "null"."""
        job = self._job(job_id)
        if job.state != "JobComplete":
            raise SalesforceRefusal(
                "INVALIDJOBSTATE", f"Results are available when the job is complete; it is {job.state}"
            )
        start = _place(locator) if locator else 0
        if start is None or start > len(job.rows):
            raise SalesforceRefusal("API_ERROR", "Invalid locator")
        end = start + (int(most) if most and most.isdigit() and int(most) else MOST_RECORDS)
        rows = job.rows[start:end]
        text = as_csv(job.search.columns, rows, DELIMITERS[job.delimiter], LINE_ENDS[job.line_end])
        if repeated:
            return text, len(rows), _locator(start)
        return text, len(rows), _locator(end) if end < len(job.rows) else "null"

    def delete(self, job_id: str) -> None:
        """Delete a job that has ended."""
        if self._job(job_id).state not in ENDED:
            raise SalesforceRefusal(
                "API_ERROR", "Error encountered when deleting the job because the job is not terminated"
            )
        del self._jobs[job_id]

    def _job(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise SalesforceRefusal("NOT_FOUND", "The requested resource does not exist", 404)
        return self._jobs[job_id]


def _locator(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def _place(locator: str) -> int | None:
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (binascii.Error, ValueError):
        return None
