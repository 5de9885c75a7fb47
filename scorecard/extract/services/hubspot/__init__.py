"""HubSpot: lists once, then searches for changes; archived and merged records by name, the rest by comparing ids."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from scorecard.extract.contracts.contract import ObjectContract, first_day
from scorecard.extract.contracts.record_shape import RecordShape
from scorecard.extract.services.drift import lacking
from scorecard.extract.services.http import BadAnswer, Http
from scorecard.extract.services.hubspot import settings as fixed
from scorecard.extract.services.hubspot.api import Api, Asked
from scorecard.extract.services.hubspot.helpers import (
    Definitions,
    ListPage,
    Login,
    Owner,
    Property,
    Record,
    left,
    limit_of,
    millis,
    moment,
    text_of,
    written,
)
from scorecard.extract.services.page import Gone, Page
from scorecard.extract.services.response import Answer
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Connection, ServiceSettings


class HubSpot:
    """One account, as the extraction reads it.

    A cursor is ``{"since": all changes until then are read, "reconciled_at": …}``; within a list also ``after``, within
    a search also ``until`` and ``last``, the id that it came to. Short lists have ``{"read_at": …}``.
    """

    speaks_http = True

    def __init__(self, name: str, own: ServiceSettings, connection: Connection) -> None:
        self.name, self.own = name, own
        self.login = Login(name, connection)
        self.http = Http(name, self.login.host, self.login.headers, limit_of, left, own.quota_reserve)
        self.page_size = own.page_size or fixed.SEARCH_PAGE
        self.api = Api(name, self.http, self.page_size)
        self._defined: dict[str, dict[str, Property]] = {}

    def who(self) -> str:
        """Say whose credentials these are."""
        said = self.http.get(fixed.ACCOUNT).decode(dict[str, Any])
        by = "an OAuth app" if self.login.by_oauth else "a service key or private app"
        return f"{by} of the account {said.get('portalId', '?')}"

    def clock(self) -> datetime | None:
        """Say what time it is by the service's own clock."""
        return self.http.clock

    def shape(self, name: str) -> RecordShape:
        """Say where the records of an object tell what the extraction has to know."""
        if name == "pipelines":
            return RecordShape()
        return RecordShape(modified="updated_at", deleted="archived", deleted_at="archivedAt")

    def check(self, contract: ObjectContract) -> None:
        """Refuse an object that the app can't read, or whose properties are no more what the contract says."""
        there = self._properties(contract.object)
        if contract.object in fixed.WHOLE:
            return
        declared = {
            column: column.header.removeprefix("properties.")
            for column in contract.columns
            if column.header.startswith("properties.") and not column.optional
        }
        if gone := [column for column, name in declared.items() if name not in there]:
            raise lacking(contract, gone)
        for column, name in declared.items():
            type_ = there[name].type
            if column.data_type != "varchar" and column.data_type.partition("(")[0] not in fixed.TYPES.get(type_, ()):
                raise ScorecardError(
                    f"The property {name} of {contract.object} is a {type_} in HubSpot, and a"
                    f" {column.data_type} in the contract.",
                    f"Correct the data_type of {column.name} in {contract.declared_in} and the staging model of"
                    f" {contract.name} beside it.",
                )

    def pages(
        self, name: str, contracts: list[ObjectContract], cursor: dict[str, Any] | None, again: bool
    ) -> Iterator[Page]:
        """Yield all records once, later what has changed, and from time to time all of them with their ids."""
        if name in fixed.WHOLE:
            yield from self._whole(name)
            return
        asked = Asked(name, self._wanted(name, contracts), first_day(self.own.start_date, contracts))
        begun_at = self.http.get(fixed.ACCOUNT).served_at
        reached = dict(cursor or {"since": written(begun_at), "reconciled_at": written(begun_at)})
        if again:
            yield from self._compared(asked, reached, None)
            return
        if cursor is None or "after" in cursor:
            yield from self._list(asked, reached)
        if "until" in reached:
            yield from self._changes(asked, reached, moment(reached["until"]), begun_at)
        yield from self._changes(asked, reached, begun_at - fixed.SEARCH_LAG, begun_at)

    def _properties(self, kind: str) -> dict[str, Property]:
        """Return the properties that an object has, none for short lists; refuse what the app may not read."""
        if kind not in self._defined:
            path = fixed.WHOLE.get(kind, f"{fixed.PROPERTIES}/{kind}")
            try:
                answer = self.http.get(path)
            except BadAnswer as error:
                if error.status not in (403, 404):
                    raise
                raise ScorecardError(
                    f"HubSpot does not let the connection {self.name} read {kind}.",
                    f"Grant its app the scope {fixed.SCOPES.get(kind, 'for it')}, or leave the object out of `objects`"
                    f" of the service {self.name} in the settings.",
                ) from None
            defined = [] if kind in fixed.WHOLE else answer.decode(Definitions).results
            self._defined[kind] = {each.name: each for each in defined}
        return self._defined[kind]

    def _wanted(self, kind: str, contracts: list[ObjectContract]) -> tuple[str, ...]:
        """Return the properties to ask for: those declared, and the rest where new ones are kept."""
        headers = [column.header for contract in contracts for column in contract.columns]
        declared = [each.removeprefix("properties.") for each in headers if each.startswith("properties.")]
        # What HubSpot reckons for itself, as the days since something, changes without a change of the record.
        more = [
            each.name for each in self._properties(kind).values() if self.own.keep_new_fields and not each.calculated
        ]
        needed = [fixed.MERGED, *([fixed.CLOSED] if kind == "deals" else [])]
        return tuple(each for each in dict.fromkeys([*declared, *needed, *more]) if re.fullmatch(r"\w+", each))

    def _whole(self, name: str) -> Iterator[Page]:
        """Yield a short list; what is held and not in it is gone."""
        if name == "owners":
            yield from self._who_left()
        for answer, found, after in self.api.follow(
            fixed.WHOLE[name], {"limit": fixed.PAGE} if name == "owners" else {}
        ):
            ids = [str(msgspec.json.decode(each)["id"]) for each in found]
            end: dict[str, Any] = {"complete_at": answer.served_at, "cursor": {"read_at": written(answer.served_at)}}
            yield Page(answer.url, answer.sha256, len(answer.body), found, ids=ids, **({} if after else end))

    def _who_left(self) -> Iterator[Page]:
        """Yield the owners who have left, as gone: what was theirs still names them."""
        params = {"limit": fixed.PAGE, "archived": "true"}
        for answer, found, _ in self.api.follow(fixed.WHOLE["owners"], params):
            owners = [msgspec.json.decode(each, type=Owner) for each in found]
            yield Page(answer.url, answer.sha256, len(answer.body), found)
            gone = [Gone(each.id, each.updated_at, "deleted") for each in owners]
            yield Page(answer.url, answer.sha256, len(answer.body), (), gone)

    def _list(self, asked: Asked, reached: dict[str, Any]) -> Iterator[Page]:
        """Yield all records, so that a later run can go on after each page."""
        for answer, found, after in self.api.lists(asked, reached.get("after", "")):
            reached["after"] = after
            if not after:
                del reached["after"]
            yield from self._found(asked, answer, found, asked.fits_address, cursor=dict(reached))

    def _compared(self, asked: Asked, reached: dict[str, Any], since: datetime | None) -> Iterator[Page]:
        """Yield all records with their ids, in one go: what is held and not among them is gone."""
        listed_at = None
        for answer, found, _ in self.api.lists(asked):
            ids = [msgspec.json.decode(each, type=Record).id for each in found]
            listed_at = answer.served_at
            yield from self._found(asked, answer, found, asked.fits_address, ids=ids)
        for page in self._archived(asked, since):
            yield page
        # On a page of its own, so that what is said of a record before counts more than its absence.
        yield Page(page.url, page.sha256, page.size_bytes, (), complete_at=listed_at, cursor=reached)

    def _changes(self, asked: Asked, reached: dict[str, Any], until: datetime, begun_at: datetime) -> Iterator[Page]:
        """Yield what was changed, archived or merged up to a moment, and all records where that is due."""
        since = moment(reached["since"])
        if until <= since:
            return
        since -= timedelta(seconds=self.own.overlap_seconds)
        yield from self._search(asked, reached, since, until)
        reached.pop("until", None)
        reached.pop("last", None)
        reached["since"] = written(until)
        if moment(reached["reconciled_at"]) + timedelta(days=self.own.reconcile_days) <= begun_at:
            reached["reconciled_at"] = written(begun_at)
            yield from self._compared(asked, reached, since)
        else:
            yield from self._archived(asked, since, cursor=reached)

    def _search(self, asked: Asked, reached: dict[str, Any], since: datetime, until: datetime) -> Iterator[Page]:
        """Yield what was changed in a stretch of time, by id: any number of records may share a moment."""
        last = reached.get("last", 0)
        while True:
            limits = [
                (asked.modified, "GTE", millis(since)),
                (asked.modified, "LTE", millis(until)),
                ("hs_object_id", "GT", str(last)),
            ]
            body = {
                "filterGroups": [{"filters": [{"propertyName": n, "operator": o, "value": v} for n, o, v in limits]}],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "properties": asked.properties,
                "limit": min(self.page_size, fixed.SEARCH_PAGE),
            }
            whole = not asked.history and len(json.dumps(body)) <= fixed.LONGEST_SEARCH
            if not whole:
                body["properties"] = ()
            answer = self.http.post(f"{fixed.OBJECTS}/{asked.kind}/search", body)
            page = answer.decode(ListPage)
            ids = [int(msgspec.json.decode(each, type=Record).id) for each in page.results]
            if (ids and min(ids) <= last) or (page.after and not ids):
                raise self.api.repeated(asked.kind, str(last))
            last = max(ids, default=last)
            reached |= {"until": written(until), "last": last}
            place = f"?{asked.modified}={written(since)}..{written(until)}&hs_object_id>{limits[2][2]}"
            yield from self._found(asked, answer, page.results, whole, False, place, cursor=dict(reached))
            if not page.after:
                return

    def _archived(self, asked: Asked, since: datetime | None, **end: Any) -> Iterator[Page]:
        """Yield which records were archived; their associations are gone from HubSpot, so what is held is kept."""
        for answer, found, after in self.api.lists(Asked(asked.kind, ()), archived=True):
            records = [msgspec.json.decode(each, type=Record) for each in found]
            gone = [
                Gone(each.id, each.archived_at, "deleted")
                for each in records
                if each.archived_at and (since is None or each.archived_at >= since)
            ]
            yield Page(answer.url, answer.sha256, len(answer.body), (), gone, **({} if after else end))

    def _found(
        self,
        asked: Asked,
        answer: Answer,
        found: Sequence[msgspec.Raw],
        whole: bool,
        inline: bool = True,
        place: str = "",
        **end: Any,
    ) -> Iterator[Page]:
        """Yield the records of an answer, read in batches where it isn't the `whole` of what is asked for.

        ``inline``: their associations, at least, are in it.
        """
        if not found or whole:
            yield self._page(asked, answer, found, inline, place, **end)
            return
        most = fixed.PAGE_WITH_HISTORY if asked.history else fixed.PAGE
        ids = [msgspec.json.decode(each, type=Record).id for each in found]
        for start in range(0, len(ids), most):
            part = ids[start : start + most]
            batch, records = self.api.batch(asked, part)
            last = start + most >= len(ids)
            yield self._page(asked, batch, records, False, f"?ids={','.join(part)}", **(end if last else {}))

    def _page(
        self, asked: Asked, answer: Answer, found: Sequence[msgspec.Raw], inline: bool, place: str, **end: Any
    ) -> Page:
        records = [msgspec.json.decode(each, type=Record) for each in found]
        links = self.api.links(asked, records, inline)
        texts = [
            text_of(raw, links[record.id]) for raw, record in zip(found, records, strict=True) if asked.wants(record)
        ]
        gone = [
            Gone(loser, record.updated_at, f"merged into {record.id}") for record in records for loser in record.merged
        ]
        return Page(answer.url + place, answer.sha256, len(answer.body), texts, gone, **end)


CONNECTOR = HubSpot
