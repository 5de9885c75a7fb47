"""Salesforce: changes by SystemModstamp, deletes and merges by queryAll, older deletes by comparing ids."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scorecard.extract.contracts.contract import ObjectContract, RecordShape, first_day
from scorecard.extract.services.drift import refuse_changed_fields
from scorecard.extract.services.response import RefusedRequest, explain_unreadable
from scorecard.extract.services.salesforce import settings as fixed
from scorecard.extract.services.salesforce.api import JOB_CURE, SalesforceApi, connect
from scorecard.extract.services.salesforce.queries import (
    Described,
    Fields,
    Query,
    forget_job,
    ids_of,
    moment,
    soql,
    written,
)
from scorecard.extract.services.service import ServicePage, is_comparison_due, page_of
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings


class Salesforce:
    """One org, as the extraction reads it.

    A cursor is ``{"since": newest SystemModstamp read, "reconciled_at": …}``; while a bulk job's result is read also
    ``job``, ``locator`` and, of what was read of it, ``newest`` and ``read``: the newest SystemModstamp and how many.
    """

    speaks_http = True

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        self.name, self.own = name, own
        self.http = connect(name, connection, own.quota_reserve)
        self.api = SalesforceApi(name, self.http, min(own.page_size or fixed.PAGE, fixed.PAGE))
        self._described: dict[str, Described] = {}

    def who(self) -> str:
        """Return whose credentials these are."""
        try:
            response = self.http.get(self.api.absolute("/services/oauth2/userinfo"))
        except RefusedRequest as error:
            if error.status != 403:
                raise
            return "a user whose name the External Client App may not read, for it lacks the scope openid"
        user = response.decode(dict[str, Any])
        return f"{user.get('preferred_username', 'an unnamed user')} of the org {user.get('organization_id', '?')}"

    def clock(self) -> datetime | None:
        """Return the time by the service's own clock."""
        return self.http.clock

    def shape(self, name: str) -> RecordShape:
        """Return the fields of deletes and merges."""
        if name in fixed.ONLY_CREATED:
            return RecordShape("created_date", "IsDeleted", deleted_at="CreatedDate", ignored=fixed.SYSTEM_FIELDS)
        return RecordShape(
            "system_modstamp",
            "IsDeleted",
            deleted_at="SystemModstamp",
            merged_into="MasterRecordId",
            ignored=fixed.SYSTEM_FIELDS,
        )

    def check(self, contract: ObjectContract) -> None:
        """Fail if the user can't read the object, or if a declared field is missing or has another type."""
        types = self._describe(contract.object).types
        fields = {column: column.header for column in contract.columns if column.header in types or not column.optional}
        refuse_changed_fields(contract, fields, types, fixed.TYPES, "field", "Salesforce")

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[ServicePage]:
        """Yield what has changed since the cursor, then, from time to time, all that there are with their ids."""
        reached = dict(cursor or {})
        begun_at, first = self._describe(name).at, first_day(self.own.start_date, contracts)
        start = moment(f"{first}T00:00:00+00:00") if first else None
        query = Query(name, self._wanted(name, contracts), self._stamp(name))
        reached.setdefault("reconciled_at", written(begun_at))
        yield from self._changes(query, start, reached, begun_at)
        if again or is_comparison_due(self.own, reached, begun_at):
            yield from self._compared(query, start, reached, begun_at)

    def _describe(self, name: str) -> Described:
        """Return the types of the readable fields of an object, by name, and the time of the response."""
        if name not in self._described:
            with explain_unreadable(
                f"Salesforce has no object {name} that the user of the connection scorecard_{self.name} may read.",
                "Give the user's permission set the right to read the object and its fields, or leave it out of"
                f" `objects` of the service {self.name} in the settings.",
            ):
                response = self.http.get(f"sobjects/{name}/describe")
            fields = response.decode(Fields).fields
            self._described[name] = Described({field.name: field.type for field in fields}, response.served_at)
        return self._described[name]

    def _wanted(self, name: str, contracts: list[ObjectContract]) -> list[str]:
        """Return the fields to query: those declared, and the others if new fields are kept."""
        types = self._describe(name).types
        columns = (column for contract in contracts for column in contract.columns)
        declared = dict.fromkeys(column.header for column in columns if column.header in types)
        needed = [field for field in ("Id", self._stamp(name), "IsDeleted", "MasterRecordId") if field in types]
        more = [field for field, kind in types.items() if self.own.keep_new_fields and kind not in fixed.COMPOUND]
        more = [field for field in more if field not in fixed.SYSTEM_FIELDS]
        return [field for field in dict.fromkeys([*declared, *needed, *more]) if re.fullmatch(r"\w+", field)]

    def _stamp(self, name: str) -> str:
        return "CreatedDate" if name in fixed.ONLY_CREATED else fixed.MODIFIED

    def _changes(
        self, query: Query, start: datetime | None, reached: dict[str, Any], begun_at: datetime
    ) -> Iterator[ServicePage]:
        if "job" in reached:
            try:
                yield from self._bulk_results(query.name, reached)
                return
            except RefusedRequest:
                # The job or its result has expired: make a new one.
                forget_job(reached)
        overlap, last = timedelta(seconds=self.own.overlap_seconds), reached.get("since")
        since = moment(last) - overlap if last else start
        still_open = "" if last or not start else fixed.STILL_OPEN.get(query.name, "")
        where = f"{query.stamp} >= {written(since)}" if since else ""
        where = f"({where} OR {still_open})" if still_open else where
        in_bulk = query.name not in fixed.NOT_FOR_BULK
        if in_bulk and (query.is_long or self.api.count(query.name, where) > self.own.bulk_above):
            reached["job"] = self.api.create_job(soql(query.fields, query.name, where))
            # Only records that are still open can be older.
            reached["newest"] = written(start) if start and not last else last or ""
            yield from self._bulk_results(query.name, reached)
            return
        if still_open:
            for page, response in self.api.pages(replace(query, where=still_open), None, since, begun_at):
                yield page_of(response, page.records, cursor=dict(reached))
        for page, response in self.api.pages(query, since, None, begun_at):
            if page.records:
                newest = msgspec.json.decode(page.records[-1])[query.stamp]
                reached["since"] = max(reached.get("since") or "", written(moment(newest)))
            yield page_of(response, page.records, cursor=dict(reached))

    def _compared(
        self, query: Query, start: datetime | None, reached: dict[str, Any], begun_at: datetime
    ) -> Iterator[ServicePage]:
        """Yield all records with their ids: one that the warehouse has and the list lacks was deleted.

        A record may also become visible without a change, as when the user gets the right to read it.
        """
        # Not the operation `query`, which leaves out archived tasks and events.
        not_deleted = "IsDeleted = false" if "IsDeleted" in self._describe(query.name).types else ""
        only_ids = query.is_long
        query = replace(query, fields=("Id",) if only_ids else query.fields, where=not_deleted)
        older = self.api.pages(query.of_ids, None, start, begun_at) if start else ()
        for page, response in older:
            yield page_of(response, ids=ids_of(page))
        for page, response in self.api.pages(query, start, None, begun_at):
            yield page_of(response, () if only_ids else page.records, ids=ids_of(page))
        reached["reconciled_at"] = written(response.served_at)
        yield page_of(response, complete_at=response.served_at, cursor=dict(reached))

    def _bulk_results(self, name: str, reached: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield the parts of a bulk job's result; each is a checkpoint for a later run."""
        job = self.api.complete_job(name, reached["job"])
        types, stamp = self._describe(name).types, self._stamp(name)
        seen = {reached.get("locator", "")}
        while True:
            part, response = self.api.job_result(
                job, reached.get("locator"), lambda field: types.get(field) == "datetime"
            )
            moments = (written(moment(record[stamp])) for record in part.records)
            newest = max([reached.get("newest") or reached.get("since") or "", *moments])
            reached |= {"newest": newest, "locator": part.locator, "read": reached.get("read", 0) + len(part.records)}
            if part.locator and part.locator not in seen:
                seen.add(part.locator)
                yield page_of(response, part.json_records, cursor=dict(reached))
                continue
            is_whole = not part.locator and reached["read"] == job.records
            read = forget_job(reached)
            if is_whole:
                reached["since"] = newest
                yield page_of(response, part.json_records, cursor=dict(reached))
                return
            # Keep the records that were read. The cursor is that of before the job, so the next run makes a new job.
            yield page_of(response, part.json_records, cursor=dict(reached))
            raise ScorecardError(
                f"Salesforce's bulk job {job.id} for {name} has {job.records} records, and its result ended after"
                f" {read}{' in a part that repeats itself' if part.locator else ''}.",
                JOB_CURE,
            )


CONNECTOR = Salesforce
