"""Salesforce: changes by SystemModstamp, deletes and merges by queryAll, what is too old for both by comparing ids."""

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scorecard.errors import ScorecardError
from scorecard.settings import Connection, ServiceSettings
from scorecard.sources.contract import ObjectContract
from scorecard.sources.drift import lacking
from scorecard.sources.http import Answer, BadAnswer
from scorecard.sources.page import Page, Shape
from scorecard.sources.salesforce import settings as fixed
from scorecard.sources.salesforce.helpers import (
    QueryPage,
    connect,
    csv_records,
    error_code,
    moment,
    soql,
    written,
)


class Salesforce:
    """One org, as the extraction reads it.

    A cursor is ``{"since": newest SystemModstamp read, "reconciled_at": …}``; while a bulk job's result is read also
    ``job`` and ``locator``.
    """

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        self.name, self.own = name, own
        self.http = connect(name, connection)
        self.page_size = min(own.page_size or fixed.PAGE, fixed.PAGE)
        self._fields: dict[str, dict[str, str]] = {}

    def who(self) -> str:
        """Say whose credentials these are."""
        said = self.http.get(f"{self.http.base.partition('/services/')[0]}/services/oauth2/userinfo").json()
        return f"{said.get('preferred_username', 'an unnamed user')} of the org {said.get('organization_id', '?')}"

    def clock(self) -> datetime | None:
        """Say what time it is by the service's own clock."""
        return self.http.clock

    def shape(self, name: str) -> Shape:
        """Say where deletes and merges stand in a record."""
        if name in fixed.ONLY_CREATED:
            return Shape("created_date", "IsDeleted", deleted_at="CreatedDate", ignored=fixed.OF_THE_SYSTEM)
        return Shape(
            "system_modstamp",
            "IsDeleted",
            deleted_at="SystemModstamp",
            merged_into="MasterRecordId",
            ignored=fixed.OF_THE_SYSTEM,
        )

    def check(self, contract: ObjectContract) -> None:
        """Refuse an object that the user can't read, or whose fields are no more what the contract says."""
        there = self._describe(contract.object)
        if gone := [column for column in contract.columns if column.header not in there and not column.optional]:
            raise lacking(contract, gone)
        for column in (column for column in contract.columns if column.header in there):
            declared = column.data_type.partition("(")[0]
            fit = fixed.TYPES.get(there[column.header], ())
            if declared != "varchar" and declared not in fit:
                raise ScorecardError(
                    f"The field {column.header} of {contract.object} is a {there[column.header]} in Salesforce, and a"
                    f" {column.data_type} in the contract.",
                    f"Correct the data_type of {column.name} in {contract.declared_in} and the staging model of"
                    f" {contract.name} beside it.",
                )

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[Page]:
        """Yield what has changed since the cursor, then, from time to time, the ids of all that there are."""
        reached = dict(cursor or {})
        begun_at = self.http.get("limits").served_at
        reached.setdefault("reconciled_at", written(begun_at))
        yield from self._changes(name, self._wanted(name, contracts), reached, begun_at)
        due = moment(reached["reconciled_at"]) + timedelta(days=self.own.reconcile_days) <= begun_at
        if again or due:
            yield from self._ids(name, reached)

    def _describe(self, name: str) -> dict[str, str]:
        """Return the types of an object's fields that we may read, by name."""
        if name not in self._fields:
            try:
                answer = self.http.get(f"sobjects/{name}/describe").json()
            except BadAnswer as error:
                if error.status not in (403, 404):
                    raise
                raise ScorecardError(
                    f"Salesforce has no object {name} that the user of the connection {self.name} may read.",
                    "Give the user's permission set the right to read the object and its fields, or leave it out of"
                    f" `objects` of the service {self.name} in the settings.",
                ) from None
            self._fields[name] = {each["name"]: each["type"] for each in answer["fields"]}
        return self._fields[name]

    def _wanted(self, name: str, contracts: list[ObjectContract]) -> list[str]:
        """Return the fields to ask for: those declared, and the rest where new ones are kept."""
        there = self._describe(name)
        columns = (column for contract in contracts for column in contract.columns)
        declared = dict.fromkeys(column.header for column in columns if column.header in there)
        needed = [each for each in ("Id", self._stamp(name), "IsDeleted", "MasterRecordId") if each in there]
        more = [each for each, kind in there.items() if self.own.keep_new_fields and kind not in fixed.COMPOUND]
        more = [each for each in more if each not in fixed.OF_THE_SYSTEM]
        return [each for each in dict.fromkeys([*declared, *needed, *more]) if re.fullmatch(r"\w+", each)]

    def _stamp(self, name: str) -> str:
        return "CreatedDate" if name in fixed.ONLY_CREATED else fixed.MODIFIED

    def _changes(self, name: str, fields: list[str], reached: dict[str, Any], begun_at: datetime) -> Iterator[Page]:
        if "job" in reached:
            try:
                yield from self._bulk_results(name, reached)
                return
            except BadAnswer as error:
                if error.status != 404:
                    raise
                for key in ("job", "locator", "newest"):
                    reached.pop(key, None)
        since = self._since(reached)
        stamp = self._stamp(name)
        where = f"{stamp} >= {written(since)}" if since else ""
        if name not in fixed.NOT_FOR_BULK and self._count(name, where) > self.own.bulk_above:
            reached["job"] = self._create_job(soql(fields, name, where))
            yield from self._bulk_results(name, reached)
            return
        first = since or moment(fixed.EARLIEST)
        yield from self._window(name, fields, stamp, (first if since else None, None), begun_at, reached)

    def _count(self, name: str, where: str) -> int:
        """Count records; 0 where that takes Salesforce too long, for then smaller stretches have to be asked for."""
        try:
            return self._query(soql(["COUNT()"], name, where))[0].total
        except BadAnswer as error:
            if error_code(error) != "QUERY_TIMEOUT":
                raise
            return 0

    def _since(self, reached: dict[str, Any]) -> datetime | None:
        if reached.get("since"):
            return moment(reached["since"]) - timedelta(seconds=self.own.overlap_seconds)
        if self.own.start_date:
            return moment(f"{self.own.start_date}T00:00:00+00:00")
        return None

    def _window(
        self,
        name: str,
        fields: list[str],
        stamp: str,
        window: tuple[datetime | None, datetime | None],
        begun_at: datetime,
        reached: dict[str, Any],
    ) -> Iterator[Page]:
        """Yield the pages of a stretch of time, in halves where Salesforce gives the whole of it up."""
        low, high = window
        limits = [f"{stamp} >= {written(low)}" if low else "", f"{stamp} < {written(high)}" if high else ""]
        query = soql(fields, name, " AND ".join(filter(None, limits)), f"{stamp}, Id")
        try:
            first = self._query(query)
        except BadAnswer as error:
            if error_code(error) != "QUERY_TIMEOUT":
                raise
            start, end = low or moment(fixed.EARLIEST), high or begun_at + timedelta(days=1)
            if end - start < timedelta(seconds=2):
                raise
            middle = start + (end - start) / 2
            yield from self._window(name, fields, stamp, (low, middle), begun_at, reached)
            yield from self._window(name, fields, stamp, (middle, high), begun_at, reached)
            return
        yield from self._follow(first, stamp, reached)

    def _query(self, query: str, all_rows: bool = True) -> tuple[QueryPage, Answer]:
        answer = self.http.get(
            "queryAll" if all_rows else "query",
            {"q": query},
            headers={"Sforce-Query-Options": f"batchSize={max(self.page_size, 200)}"},
        )
        return msgspec.json.decode(answer.body, type=QueryPage), answer

    def _follow(self, first: tuple[QueryPage, Answer], stamp: str, reached: dict[str, Any]) -> Iterator[Page]:
        page, answer = first
        seen = set()
        while True:
            if page.records:
                newest = msgspec.json.decode(page.records[-1])[stamp]
                reached["since"] = max(reached.get("since") or "", written(moment(newest)))
            yield Page(answer.url, answer.sha256, len(answer.body), page.records, cursor=dict(reached))
            if page.done:
                return
            if page.next_url in seen:
                raise ScorecardError(
                    f"{self.name} names the same next page twice.",
                    "Run again: what was read before is kept.",
                )
            seen.add(page.next_url)
            answer = self.http.get(self._absolute(page.next_url))
            page = msgspec.json.decode(answer.body, type=QueryPage)

    def _absolute(self, path: str) -> str:
        return self.http.base.partition("/services/")[0] + path

    def _create_job(self, query: str) -> str:
        return str(self.http.post("jobs/query", {"operation": "queryAll", "query": query}).json()["id"])

    def _bulk_results(self, name: str, reached: dict[str, Any]) -> Iterator[Page]:
        """Yield the parts of a bulk job's result; each says where the next one begins, so that a later run goes on."""
        job = reached["job"]
        self._await(name, job)
        kinds, stamp = self._describe(name), self._stamp(name)
        newest = reached.get("newest") or reached.get("since") or ""
        locator = reached.get("locator", "")
        while True:
            params = {"maxRecords": fixed.BULK_PAGE, **({"locator": locator} if locator else {})}
            answer = self.http.get(f"jobs/query/{job}/results", params, decode=False)
            records = list(csv_records(answer.body, lambda field: kinds.get(field) == "datetime"))
            newest = max([newest, *(written(moment(each[stamp])) for each in records)])
            locator = answer.headers.get("Sforce-Locator", "null")
            last = locator in ("", "null")
            reached["newest"], reached["locator"] = newest, locator
            if last:
                for key in ("job", "locator", "newest"):
                    reached.pop(key, None)
                reached["since"] = newest
            texts = [msgspec.json.encode(each) for each in records]
            yield Page(answer.url, answer.sha256, len(answer.body), texts, cursor=dict(reached))
            if last:
                return

    def _await(self, name: str, job: str) -> None:
        until = time.monotonic() + fixed.POLL_MINUTES * 60
        while (state := self.http.get(f"jobs/query/{job}").json()["state"]) != "JobComplete":
            if state in ("Aborted", "Failed") or time.monotonic() > until:
                said = "has not ended" if state not in ("Aborted", "Failed") else f"was {state.lower()}"
                raise ScorecardError(
                    f"Salesforce's bulk job {job} for {name} {said}.",
                    "Run again: a new job is made. If it happens again, raise bulk_above, so that it is asked page by"
                    " page.",
                )
            time.sleep(fixed.POLL_SECONDS)

    def _ids(self, name: str, reached: dict[str, Any]) -> Iterator[Page]:
        """Yield the ids of all records that are there: what is held and not among them was deleted long ago."""
        page, answer = self._query(soql(["Id"], name), all_rows=False)
        while True:
            ids = [msgspec.json.decode(each)["Id"] for each in page.records]
            if page.done:
                reached["reconciled_at"] = written(answer.served_at)
            yield Page(
                answer.url,
                answer.sha256,
                len(answer.body),
                (),
                ids=ids,
                complete_at=answer.served_at if page.done else None,
                cursor=dict(reached) if page.done else None,
            )
            if page.done:
                return
            answer = self.http.get(self._absolute(page.next_url))
            page = msgspec.json.decode(answer.body, type=QueryPage)
