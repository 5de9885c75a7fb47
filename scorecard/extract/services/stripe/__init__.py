"""Stripe: all records once, then those that events name; hard deletes by comparing ids."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import quote

import msgspec

from scorecard.extract.contracts.contract import ObjectContract, RecordShape, first_day
from scorecard.extract.services.response import RefusedRequest, ServiceResponse
from scorecard.extract.services.service import Deletion, ServicePage, page_of
from scorecard.extract.services.stripe import settings as fixed
from scorecard.extract.services.stripe.api import ListPage, NotAllowed, RecordHead, StripeApi, head_of, is_missing
from scorecard.extract.services.stripe.events import ChangeEvent, EventFeed
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings


class Stripe:
    """One account, as the extraction reads it.

    A cursor is ``{"since": when the newest event read was}``, in unix seconds; with ``quiet``, where there was none, it
    is when the events were read. While all records are listed, ``list`` has the place: ``part`` (which of the queries),
    ``after`` and ``created`` (the last record read), and ``compare``: whether ids have to be compared.
    """

    speaks_http = True

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        self.name, self.own = name, own
        self.api = StripeApi(name, connection)
        self.page_size = min(own.page_size or fixed.PAGE, fixed.PAGE)
        self.feed = EventFeed(self.api, self.page_size)
        self._readable: set[tuple[str, str]] = set()
        self._expanded: set[str] = set()
        self._starts: dict[str, int] = {}

    def who(self) -> str:
        """Return whose key this is."""
        try:
            account = self.api.get("account").decode(dict[str, Any])
        except NotAllowed:
            return f"a restricted key in {self.api.mode}, which may not read the account's name"
        name = (account.get("business_profile") or {}).get("name") or "an unnamed account"
        return f"{name} ({account.get('id', '?')}) in {self.api.mode}"

    def clock(self) -> datetime | None:
        """Return the time by the service's own clock."""
        return self.api.http.clock

    def shape(self, name: str) -> RecordShape:
        """Return the fields in which `_tombstone` writes a deletion."""
        return RecordShape(deleted="deleted", deleted_at="deleted_at", ignored=fixed.VOLATILE)

    def check(self, contract: ObjectContract) -> None:
        """Fail if Stripe lacks the object, or if the key can't read it or its events."""
        if contract.object not in fixed.LISTS:
            raise ScorecardError(
                f"Stripe has no object {contract.object} that can be listed and read.",
                f"Correct config.meta.object of {contract.name} in {contract.declared_in}.",
            )
        expand = _expand(contract.object, "data.") if _is_expanded(contract) else {}
        samples: tuple[tuple[str, dict[str, str]], ...] = (("events", {}), (fixed.LISTS[contract.object], expand))
        for path, params in samples:
            if (path, str(params)) not in self._readable:
                self.api.get(path, {"limit": 1, **params})
                self._readable.add((path, str(params)))

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[ServicePage]:
        """Yield what changed since the cursor by events; all records if there is no cursor or events have expired."""
        # Expand a list only if a raw table needs it: the key may lack the right.
        if any(_is_expanded(contract) for contract in contracts):
            self._expanded.add(name)
        first = first_day(self.own.start_date, contracts)
        self._starts[name] = int(datetime.combine(first, time(), UTC).timestamp()) if first else 0
        newest, _ = self.feed.begin()
        if cursor is None or not self.feed.reaches(cursor):
            compare = again or cursor is not None
            cursor = {**newest, "list": {"part": 0, "after": "", "created": 0, "compare": compare}}
        if "list" in cursor:
            end = {key: value for key, value in cursor.items() if key != "list"}
            yield from self._all(name, dict(cursor["list"]), end)
        else:
            yield from self._changed(name, cursor["since"])

    def _all(self, name: str, place: dict[str, Any], end: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield all records, from where an earlier run stopped.

        Ids are compared on the way if this run lists all records, else by a second listing.
        """
        parts = fixed.PARTS.get(name, ({},))
        compare = place["compare"]
        lists_all = compare and place["part"] == 0 and not place["after"]
        for part in range(place["part"], len(parts)):
            for response, page in self._list(name, parts[part], place):
                ids, records, gone = self._records(name, response, page)
                if page.has_more:
                    last = head_of(page.data[-1])
                    place |= {"part": part, "after": last.id, "created": last.created}
                else:
                    place |= {"part": part + 1, "after": "", "created": 0}
                done = place["part"] == len(parts)
                yield page_of(
                    response,
                    records,
                    gone,
                    ids=ids if lists_all else (),
                    complete_at=response.served_at if lists_all and done else None,
                    cursor=end if done and (lists_all or not compare) else {**end, "list": dict(place)},
                )
        if compare and not lists_all:
            yield from self._ids(name, parts, end)

    def _ids(self, name: str, parts: tuple[dict[str, str], ...], end: dict[str, Any]) -> Iterator[ServicePage]:
        """Yield the ids of all records; a record that the warehouse has and the list lacks was deleted."""
        for number, part in enumerate(parts, 1):
            for response, page in self.api.list_pages(fixed.LISTS[name], {"limit": self.page_size, **part}):
                done = number == len(parts) and not page.has_more
                yield page_of(
                    response,
                    ids=[head_of(record).id for record in page.data],
                    complete_at=response.served_at if done else None,
                    cursor=end if done else None,
                )

    def _list(
        self, name: str, part: Mapping[str, str], place: dict[str, Any]
    ) -> Iterator[tuple[ServiceResponse, ListPage]]:
        path, params = fixed.LISTS[name], {"limit": self.page_size, **part}
        if self._starts[name] and not place["compare"]:
            params["created[gte]"] = self._starts[name]
        if name in self._expanded:
            params |= _expand(name, "data.")
        try:
            yield from self.api.list_pages(path, params, place["after"])
        except RefusedRequest as error:
            if not is_missing(error, "starting_after"):
                raise
            # The record that the last run stopped at is deleted: resume with the records of its second.
            yield from self.api.list_pages(path, {**params, "created[lte]": place["created"]})

    def _records(
        self, name: str, response: ServiceResponse, page: ListPage
    ) -> tuple[list[str], list[bytes], list[Deletion]]:
        """Return the ids, the records and the emptied lists of a page."""
        ids, records, gone = [], [], []
        for record in page.data:
            head = head_of(record)
            full_record = self._full_record(name, head, record)
            if full_record is None:
                continue
            ids.append(head.id)
            if self._wanted(name, head):
                records.append(full_record)
                gone += self._emptied(name, head, response)
        return ids, records, gone

    def _wanted(self, name: str, head: RecordHead) -> bool:
        return head.created >= self._starts[name]

    def _full_record(self, name: str, head: RecordHead, record: bytes | msgspec.Raw) -> bytes | None:
        """Return a record with all entries of the lists inside of it; None if it was deleted meanwhile."""
        fields: dict[str, Any] = {}
        inside = _inside(name, head)
        if inside is not None and inside.has_more:
            field, path, params = fixed.LINES[name]
            query = {key: value.format(id=head.id) for key, value in params.items()}
            entries: list[msgspec.Raw] = []
            try:
                for _, page in self.api.list_pages(path.format(id=head.id), {"limit": fixed.PAGE, **query}):
                    entries += page.data
            except RefusedRequest as error:
                if not is_missing(error):
                    raise
                return None
            fields[field] = {"object": "list", "data": entries, "has_more": False}
        if expanded := self._records_inside(name, head):
            field, into = fixed.EXPANDED[name]
            fields |= {field: [head_of(entry).id for entry in expanded], into: expanded}
        if not fields:
            return bytes(record)
        return msgspec.json.encode({**msgspec.json.decode(record, type=dict[str, msgspec.Raw]), **fields})

    def _records_inside(self, name: str, head: RecordHead) -> list[msgspec.Raw]:
        """Return the entries of an expanded list inside of a record."""
        return getattr(head, fixed.EXPANDED[name][0]) or [] if name in self._expanded else []

    def _emptied(self, name: str, head: RecordHead, response: ServiceResponse) -> list[Deletion]:
        """Return a deletion for each empty list of a record, since no entry replaces the old ones."""
        inside = _inside(name, head)
        empty = [f"{fixed.LINES[name][0]}.data"] if inside is not None and not inside.data else []
        if name in self._expanded and not self._records_inside(name, head):
            empty.append(fixed.EXPANDED[name][1])
        return [Deletion(head.id, response.served_at, "no longer in its record", entries=path) for path in empty]

    def _changed(self, name: str, since: int) -> Iterator[ServicePage]:
        """Yield the objects that events name, each as it is now.

        They come in the order of their newest events, so each page is a checkpoint: the next run reads later events.
        """
        newest: dict[str, ChangeEvent] = {}
        deleted: dict[str, ChangeEvent] = {}
        for change in self.feed.since(since - self.own.overlap_seconds):
            if change.kind == name:
                newest.setdefault(change.id, change)
                if change.deleted:
                    deleted.setdefault(change.id, change)
        for change in sorted(newest.values(), key=lambda change: change.created):
            since = max(since, change.created)
            yield self._read_again(name, deleted.get(change.id, change), {"since": since})
        newest_of_all, response = self.feed.begin()
        yield page_of(response, cursor=newest_of_all)

    def _read_again(self, name: str, change: ChangeEvent, cursor: dict[str, Any]) -> ServicePage:
        try:
            expand = _expand(name) if name in self._expanded else {}
            response = self.api.get(f"{fixed.LISTS[name]}/{quote(change.id, safe='')}", expand)
        except RefusedRequest as error:
            if not is_missing(error):
                raise
            return self._tombstone(name, change, cursor)
        head = head_of(response.body)
        # A deleted customer can still be read, but without its fields.
        full_record = None if head.deleted else self._full_record(name, head, response.body)
        if full_record is None:
            return self._tombstone(name, change, cursor)
        if not self._wanted(name, head):
            return page_of(response, cursor=cursor)
        return page_of(response, [full_record], self._emptied(name, head, response), cursor=cursor)

    def _tombstone(self, name: str, change: ChangeEvent, cursor: dict[str, Any]) -> ServicePage:
        """Return the tombstone of a record: with the fields of the event, or as it was read last."""
        at = datetime.fromtimestamp(change.created, UTC)
        records = []
        if change.last and self._wanted(name, head_of(change.last)):
            fields = msgspec.json.decode(change.last, type=dict[str, msgspec.Raw])
            records = [msgspec.json.encode({**fields, "deleted": True, "deleted_at": at})]
        gone = [Deletion(change.id, at, "deleted")]
        return ServicePage(change.url, change.sha256, change.size_bytes, records, gone, cursor=cursor)


def _inside(name: str, head: RecordHead) -> Any:
    """Return the list inside of a record, None if it has none."""
    return getattr(head, fixed.LINES[name][0]) if name in fixed.LINES else None


def _is_expanded(contract: ObjectContract) -> bool:
    """Whether the records of a raw table come only with `expand[]`."""
    return contract.object in fixed.EXPANDED and contract.each == fixed.EXPANDED[contract.object][1]


def _expand(name: str, prefix: str = "") -> dict[str, str]:
    """Return the parameter that expands such a list. ``prefix`` is "data." in a list of objects."""
    return {"expand[]": prefix + fixed.EXPANDED[name][0]}


CONNECTOR = Stripe
