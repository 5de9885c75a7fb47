"""HubSpot: lists once, then searches for changes; archived and merged records; hard deletes by comparing ids."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scorecard.extract.contracts.contract import ObjectContract, RecordShape, first_day
from scorecard.extract.services.drift import refuse_changed_fields
from scorecard.extract.services.hubspot import settings as fixed
from scorecard.extract.services.hubspot.api import HubSpotApi, RecordSelection, connect, uses_oauth
from scorecard.extract.services.hubspot.records import (
    ListPage,
    Owner,
    Property,
    PropertyList,
    RecordHead,
    complete_record,
    millis,
)
from scorecard.extract.services.response import ServiceResponse, explain_unreadable, repeated_page
from scorecard.extract.services.service import Deletion, ServicePage, is_comparison_due, page_of
from scorecard.shared.moments import moment_text
from scorecard.shared.settings import Connection, ServiceSettings


class HubSpot:
    """One account, as the extraction reads it.

    A cursor is ``{"since": all changes until then are read, "reconciled_at": …}``; within a list also ``after``, within
    a search also ``until`` and ``last``, the id that it came to. Short lists have ``{"read_at": …}``.
    """

    speaks_http = True

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        self.name, self.own = name, own
        self.http = connect(name, connection, own.quota_reserve)
        self.by_oauth = uses_oauth(connection)
        self.page_size = own.page_size or fixed.SEARCH_PAGE
        self.api = HubSpotApi(name, self.http, self.page_size)
        self._defined: dict[str, dict[str, Property]] = {}

    def who(self) -> str:
        """Return whose credentials these are."""
        account = self.http.get(fixed.ACCOUNT).decode(dict[str, Any])
        by = "an OAuth app" if self.by_oauth else "a service key or private app"
        return f"{by} of the account {account.get('portalId', '?')}"

    def clock(self) -> datetime | None:
        """Return the time by the service's own clock."""
        return self.http.clock

    def shape(self, name: str) -> RecordShape:
        """Return the fields of changes and deletes."""
        if name == "pipelines":
            return RecordShape()
        return RecordShape(modified="updated_at", deleted="archived", deleted_at="archivedAt")

    def check(self, contract: ObjectContract) -> None:
        """Fail if the app can't read the object, or if a declared property is missing or has another type."""
        properties = self._properties(contract.object)
        if contract.object in fixed.SHORT_LISTS:
            return
        fields = {
            column: column.header.removeprefix("properties.")
            for column in contract.columns
            if column.header.startswith("properties.") and not column.optional
        }
        types = {name: defined_property.type for name, defined_property in properties.items()}
        refuse_changed_fields(contract, fields, types, fixed.TYPES, "property", "HubSpot")

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[ServicePage]:
        """Yield all records once, later what has changed, and from time to time all of them with their ids."""
        if name in fixed.SHORT_LISTS:
            yield from self._short_list(name)
            return
        selection = RecordSelection(name, self._wanted(name, contracts), first_day(self.own.start_date, contracts))
        begun_at = self.http.get(fixed.ACCOUNT).served_at
        reached = dict(cursor or {"since": moment_text(begun_at), "reconciled_at": moment_text(begun_at)})
        if again:
            yield from self._compared(selection, reached, None)
            return
        if cursor is None or "after" in cursor:
            yield from self._list(selection, reached)
        if "until" in reached:
            yield from self._changes(selection, reached, datetime.fromisoformat(reached["until"]), begun_at)
        yield from self._changes(selection, reached, begun_at - fixed.SEARCH_LAG, begun_at)

    def _properties(self, kind: str) -> dict[str, Property]:
        """Return the properties of an object, none for short lists. Fail if the app can't read it."""
        if kind not in self._defined:
            path = fixed.SHORT_LISTS.get(kind, f"{fixed.PROPERTIES}/{kind}")
            with explain_unreadable(
                f"HubSpot does not let the connection scorecard_{self.name} read {kind}.",
                f"Grant its app the scope {fixed.SCOPES.get(kind, 'for it')}, or leave the object out of `objects`"
                f" of the service {self.name} in the settings.",
            ):
                response = self.http.get(path)
            defined = [] if kind in fixed.SHORT_LISTS else response.decode(PropertyList).results
            self._defined[kind] = {defined_property.name: defined_property for defined_property in defined}
        return self._defined[kind]

    def _wanted(self, kind: str, contracts: list[ObjectContract]) -> tuple[str, ...]:
        """Return the properties to read: those declared, and the others if new fields are kept."""
        headers = [column.header for contract in contracts for column in contract.columns]
        declared = [header.removeprefix("properties.") for header in headers if header.startswith("properties.")]
        # Calculated properties, such as days since an event, change without a change of the record.
        more = [
            defined_property.name
            for defined_property in self._properties(kind).values()
            if self.own.keep_new_fields and not defined_property.calculated
        ]
        needed = [fixed.MERGED, *([fixed.CLOSED] if kind == "deals" else [])]
        return tuple(name for name in dict.fromkeys([*declared, *needed, *more]) if re.fullmatch(r"\w+", name))

    def _short_list(self, name: str) -> Iterator[ServicePage]:
        """Yield a short list; a record that the warehouse has and the list lacks was deleted."""
        if name == "owners":
            yield from self._former_owners()
        for response, records, after in self.api.follow(
            fixed.SHORT_LISTS[name], {"limit": fixed.PAGE} if name == "owners" else {}
        ):
            ids = [str(msgspec.json.decode(record)["id"]) for record in records]
            end: dict[str, Any] = {
                "complete_at": response.served_at,
                "cursor": {"read_at": moment_text(response.served_at)},
            }
            yield page_of(response, records, ids=ids, **({} if after else end))

    def _former_owners(self) -> Iterator[ServicePage]:
        """Yield the owners who have left, as deleted: their records still name them."""
        params = {"limit": fixed.PAGE, "archived": "true"}
        for response, records, _ in self.api.follow(fixed.SHORT_LISTS["owners"], params):
            owners = [msgspec.json.decode(record, type=Owner) for record in records]
            yield page_of(response, records)
            gone = [Deletion(owner.id, owner.updated_at, "deleted") for owner in owners]
            yield page_of(response, gone=gone)

    def _list(self, selection: RecordSelection, reached: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield all records, so that a later run can go on after each page."""
        for response, records, after in self.api.lists(selection, reached.get("after", "")):
            reached["after"] = after
            if not after:
                del reached["after"]
            yield from self._complete_records(
                selection, response, records, selection.fits_address, cursor=dict(reached)
            )

    def _compared(
        self, selection: RecordSelection, reached: dict[str, Any], since: datetime | None
    ) -> Iterator[ServicePage]:
        """Yield all records with their ids; a record that the warehouse has and the list lacks was deleted."""
        listed_at = None
        for response, records, _ in self.api.lists(selection):
            ids = [msgspec.json.decode(record, type=RecordHead).id for record in records]
            listed_at = response.served_at
            yield from self._complete_records(selection, response, records, selection.fits_address, ids=ids)
        for page in self._archived(selection, since):
            yield page
        # On its own page, so that a deletion on a page before counts more than the absence.
        yield ServicePage(page.url, page.sha256, page.size_bytes, (), complete_at=listed_at, cursor=reached)

    def _changes(
        self, selection: RecordSelection, reached: dict[str, Any], until: datetime, begun_at: datetime
    ) -> Iterator[ServicePage]:
        """Yield what was changed, archived or merged up to a moment, and all records if that is due."""
        since = datetime.fromisoformat(reached["since"])
        if until <= since:
            return
        since -= timedelta(seconds=self.own.overlap_seconds)
        yield from self._search(selection, reached, since, until)
        reached.pop("until", None)
        reached.pop("last", None)
        reached["since"] = moment_text(until)
        if is_comparison_due(self.own, reached, begun_at):
            reached["reconciled_at"] = moment_text(begun_at)
            yield from self._compared(selection, reached, since)
        else:
            yield from self._archived(selection, since, cursor=reached)

    def _search(
        self, selection: RecordSelection, reached: dict[str, Any], since: datetime, until: datetime
    ) -> Iterator[ServicePage]:
        """Yield what was changed in a stretch of time, by id: any number of records may share a moment."""
        last = reached.get("last", 0)
        while True:
            limits = [
                (selection.modified, "GTE", millis(since)),
                (selection.modified, "LTE", millis(until)),
                ("hs_object_id", "GT", str(last)),
            ]
            body = {
                "filterGroups": [{"filters": [{"propertyName": n, "operator": o, "value": v} for n, o, v in limits]}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": selection.properties,
                "limit": min(self.page_size, fixed.SEARCH_PAGE),
            }
            is_complete = not selection.history and len(json.dumps(body)) <= fixed.LONGEST_SEARCH
            if not is_complete:
                body["properties"] = ()
            response = self.http.post(f"{fixed.OBJECTS}/{selection.kind}/search", body)
            page = response.decode(ListPage)
            ids = [int(msgspec.json.decode(record, type=RecordHead).id) for record in page.results]
            if (ids and min(ids) <= last) or (page.after and not ids):
                raise repeated_page(self.name, selection.kind, str(last))
            last = max(ids, default=last)
            reached |= {"until": moment_text(until), "last": last}
            place = f"?{selection.modified}={moment_text(since)}..{moment_text(until)}&hs_object_id>{limits[2][2]}"
            yield from self._complete_records(
                selection, response, page.results, is_complete, False, place, cursor=dict(reached)
            )
            if not page.after:
                return

    def _archived(self, selection: RecordSelection, since: datetime | None, **end: Any) -> Iterator[ServicePage]:
        """Yield which records were archived; HubSpot drops their associations, so earlier fields are kept."""
        for response, results, after in self.api.lists(RecordSelection(selection.kind, ()), archived=True):
            records = [msgspec.json.decode(result, type=RecordHead) for result in results]
            gone = [
                Deletion(record.id, record.archived_at, "deleted")
                for record in records
                if record.archived_at and (since is None or record.archived_at >= since)
            ]
            yield page_of(response, gone=gone, **({} if after else end))

    def _complete_records(
        self,
        selection: RecordSelection,
        response: ServiceResponse,
        results: Sequence[msgspec.Raw],
        is_complete: bool,
        inline: bool = True,
        place: str = "",
        **end: Any,
    ) -> Iterator[ServicePage]:
        """Yield the records of a response, read again in batches unless `is_complete`: it has all fields.

        ``inline``: the response has their associations.
        """
        if not results or is_complete:
            yield self._page(selection, response, results, inline, place, **end)
            return
        size = fixed.PAGE_WITH_HISTORY if selection.history else fixed.PAGE
        ids = [msgspec.json.decode(result, type=RecordHead).id for result in results]
        for start in range(0, len(ids), size):
            part = ids[start : start + size]
            batch, records = self.api.batch(selection, part)
            last = start + size >= len(ids)
            yield self._page(selection, batch, records, False, f"?ids={','.join(part)}", **(end if last else {}))

    def _page(
        self,
        selection: RecordSelection,
        response: ServiceResponse,
        results: Sequence[msgspec.Raw],
        inline: bool,
        place: str,
        **end: Any,
    ) -> ServicePage:
        heads = [msgspec.json.decode(result, type=RecordHead) for result in results]
        links = self.api.links(selection, heads, inline)
        records = [
            complete_record(result, links[head.id])
            for result, head in zip(results, heads, strict=True)
            if selection.wants(head)
        ]
        gone = [
            Deletion(merged_id, head.updated_at, f"merged into {head.id}")
            for head in heads
            for merged_id in head.merged
        ]
        return page_of(response, records, gone, place, **end)


CONNECTOR = HubSpot
