"""The objects of HubSpot's CRM API: lists, single ones, batches, searches and associations."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.standins.faults import Fault
from sandbox.standins.hubspot.access import Portal
from sandbox.standins.hubspot.catalog import Catalog, HubSpotRecord, linked
from sandbox.standins.hubspot.paging import limit_of, page_of, part_of
from sandbox.standins.hubspot.problems import HubSpotRefusal, invalid
from sandbox.standins.hubspot.schema import SINGULARS, Types, chosen, definition, kind_of, types_of
from sandbox.standins.hubspot.search import find_ids, parsed
from sandbox.standins.hubspot.shape import associated, batch, history, labelled, printed, shaped
from sandbox.standins.record_store import Fields, Store
from sandbox.standins.serving import as_json

MOST_A_PAGE, MOST_WITH_HISTORY = 100, 50
LONGEST_SEARCH = 3000
MOST_OWNERS = 500
MOST_INPUTS = 1000
MOST_ASSOCIATED, MOST_INLINE = 500, 100
"""Associations of one record in an answer of their own API, and in one about the record."""

T = TypeVar("T")


class HubSpot(Portal):
    """HubSpot, as far as reading goes.

    The store's kinds are object types in the plural, `owners`, and `pipelines` (of deals). Fields are properties, as
    texts; `associations` is none: it holds ids by the type they belong to.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.search_lag = 0.0
        """Seconds that the search is behind the lists."""
        self.search_limit = 10_000
        """The most results that the pages of one search reach."""
        self.schema: dict[str, dict[str, str | None]] = {}
        """Types of properties by object type and name, where they aren't HubSpot's own; None takes one away."""
        self._kept_at: tuple[datetime, int] | None = None
        self._kept: dict[Hashable, Any] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the API."""
        guarded = self.guarded
        routes: list[BaseRoute] = [*super().routes()]
        # The same in the paths of before, which the official clients know, and in those that name a month.
        month = "{version:dated}"
        for paths, associations in (
            ("/crm/v3/%s", "/crm/v4/associations"),
            (f"/crm/%s/{month}", f"/crm/associations/{month}"),
        ):
            objects = paths % "objects" + "/{type}"
            routes += [
                Route(f"{objects}/search", guarded(self._search, search=True), methods=["POST"]),
                Route(f"{objects}/batch/read", guarded(self._batch), methods=["POST"]),
                Route(objects, guarded(self._list)),
                Route(f"{objects}/{{id}}", guarded(self._one)),
                Route(f"{associations}/{{type}}/{{to}}/batch/read", guarded(self._associations), methods=["POST"]),
                Route(paths % "properties" + "/{type}", guarded(self._properties)),
                Route(paths % "owners", guarded(self._owners)),
                Route(paths % "owners" + "/", guarded(self._owners)),
                Route(paths % "pipelines" + "/deals", guarded(self._pipelines)),
            ]
        return routes

    async def _list(self, request: Request) -> Response:
        kind = self._kind(request)
        past, to = _names(request, "propertiesWithHistory"), _associations_of(request)
        limit = limit_of(request, 10, MOST_WITH_HISTORY if past else MOST_A_PAGE)
        records, after = self._page(request, kind, limit)
        shown = self._properties_of(kind, [*_names(request, "properties"), *past])
        results = [self._object(kind, record, shown, past, to) for record in records]
        return self._answer(request, {"results": results}, after, request.query_params.get("after"))

    async def _one(self, request: Request) -> Response:
        kind, record_id = self._kind(request), request.path_params["id"]
        record = self._catalog(kind).find(record_id, _archived(request))
        if record is None:
            raise HubSpotRefusal(404, "resource not found", "OBJECT_NOT_FOUND")
        past = _names(request, "propertiesWithHistory")
        shown = self._properties_of(kind, [*_names(request, "properties"), *past])
        return as_json(self._object(kind, record, shown, past, _associations_of(request)))

    async def _batch(self, request: Request) -> Response:
        kind, body = self._kind(request), await _body(request)
        past = body.get("propertiesWithHistory") or []
        inputs = _inputs(body, MOST_WITH_HISTORY if past else MOST_A_PAGE, " for property histories" if past else "")
        if body.get("idProperty") not in (None, "hs_object_id"):
            raise invalid("The stand-in reads by hs_object_id only.")
        shown = self._properties_of(kind, [*(body.get("properties") or []), *past])
        by_id = {
            record_input["id"]: self._catalog(kind).find(record_input["id"], _archived(request))
            for record_input in inputs
        }
        # Two ids that were merged lead to the same record, which is told once.
        records = {record.id: record for record in by_id.values() if record is not None}
        results = [self._object(kind, record, shown, past, []) for record in records.values()]
        missing = [record_id for record_id, record in by_id.items() if record is None]
        message = f"Could not get some {SINGULARS[kind].upper()} objects, they may be deleted or not exist."
        missing_error = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": message,
            "context": {"ids": missing},
        }
        return as_json(batch(self.store.now, results, [missing_error] if missing else []), 207 if missing else 200)

    async def _search(self, request: Request) -> Response:
        kind, body = self._kind(request), await _body(request)
        if len(await request.body()) > LONGEST_SEARCH:
            raise invalid(f"The request body is longer than {LONGEST_SEARCH} characters.")
        search = parsed(body, self._types(kind), self.search_limit)
        catalog = self._catalog(kind, self.search_lag)
        lag = self.search_lag

        def once(name: Hashable, make: Callable[[], list[int]]) -> list[int]:
            return self._once((kind, lag, name), make)

        ids = find_ids(search, catalog, once)
        end = search.after + search.limit
        shown = self._properties_of(kind, search.properties)
        results = [shaped(catalog.live[number], shown) for number in ids[search.after : end]]
        after = str(end) if end < len(ids) else None
        requested_after = str(search.after) if search.after else None
        return self._answer(request, {"total": len(ids), "results": results}, after, requested_after)

    async def _associations(self, request: Request) -> Response:
        kind, to = self._kind(request), kind_of(request.path_params["to"])
        self.require(to)
        ids_of, catalog = self._linked(kind, to), self._catalog(kind)
        results, errors = [], []
        for record_input in _inputs(await _body(request), MOST_INPUTS):
            ids = ids_of.get(catalog.final(record_input["id"]), [])
            if not ids:
                errors.append(_unassociated(kind, to, record_input["id"]))
                continue
            part, more = part_of(ids, record_input.get("after"), MOST_ASSOCIATED)
            results.append({"from": {"id": record_input["id"]}, "to": labelled(kind, to, part, ids[0]), **more})
        return as_json(batch(self.store.now, results, errors), 207 if errors else 200)

    async def _properties(self, request: Request) -> Response:
        kind = self._kind(request)
        return as_json({"results": [definition(kind, *named_type) for named_type in self._types(kind).items()]})

    async def _owners(self, request: Request) -> Response:
        self.require("owners")
        records, after = self._page(request, "owners", limit_of(request, MOST_A_PAGE, MOST_OWNERS))
        results = [{"type": "PERSON", **record.fields, **shaped(record, [])} for record in records]
        for owner in results:
            del owner["properties"]
        return self._answer(request, {"results": results}, after, request.query_params.get("after"))

    async def _pipelines(self, _: Request) -> Response:
        self.require("deals")
        results: list[Fields] = []
        for record_id, first, last in self.store.newest("pipelines"):
            if last.fields is not None:
                times = {"createdAt": printed(first.at), "updatedAt": printed(last.at), "archived": False}
                stages = [
                    {"displayOrder": n, **times, **stage} for n, stage in enumerate(last.fields.get("stages", []))
                ]
                results.append({"displayOrder": 0, **last.fields, "id": record_id, **times, "stages": stages})
        return as_json({"results": sorted(results, key=lambda pipeline: int(pipeline["displayOrder"]))})

    def _kind(self, request: Request) -> str:
        kind = kind_of(request.path_params["type"])
        self.require(kind)
        return kind

    def _page(self, request: Request, kind: str, limit: int) -> tuple[list[HubSpotRecord], str | None]:
        catalog = self._catalog(kind)
        records, ids = catalog.live, catalog.live_ids
        if _archived(request):
            records, ids = catalog.archived, catalog.archived_ids
        page, after = page_of(ids, request.query_params.get("after"), limit)
        return [records[number] for number in page], after

    def _answer(self, request: Request, answer: Fields, after: str | None, requested_after: str | None) -> Response:
        if requested_after is not None and self.struck(request, Fault.REPEATED_CURSOR):
            after = requested_after
        if after is not None:
            link = str(request.url.include_query_params(after=after))
            answer["paging"] = {"next": {"after": after, "link": link}}
        return as_json(answer)

    def _object(self, kind: str, record: HubSpotRecord, shown: list[str], past: list[str], to: list[str]) -> Fields:
        answer = shaped(record, shown)
        if past:
            defined = [name for name in past if name in shown]
            answer["propertiesWithHistory"] = history(self.store.versions(kind, record.id), defined)
        parts = {other_kind: self._linked(kind, other_kind).get(record.id, []) for other_kind in to}
        associations: Fields = {}
        for other_kind, ids in parts.items():
            part, more = part_of(ids, None, MOST_INLINE)
            if part:
                associations[other_kind] = {"results": associated(kind, other_kind, part), **more}
        return answer | ({"associations": associations} if associations else {})

    def _types(self, kind: str) -> Types:
        return types_of(kind, self._catalog(kind).names, self.schema.get(kind, {}))

    def _properties_of(self, kind: str, requested: list[str]) -> list[str]:
        return chosen(kind, requested, self._types(kind))

    def _catalog(self, kind: str, lag: float = 0.0) -> Catalog:
        return self._once(("catalog", kind, lag), lambda: Catalog(self.store, kind, timedelta(seconds=lag)))

    def _linked(self, kind: str, to: str) -> dict[str, list[str]]:
        return self._once(("linked", kind, to), lambda: linked(self._catalog(kind), kind, self._catalog(to), to))

    def _once(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return what was made under a name, and make it anew once the clock or the store has moved."""
        moved_to = (self.store.now, self.store.written)
        if moved_to != self._kept_at:
            self._kept_at, self._kept = moved_to, {}
        if name not in self._kept:
            self._kept[name] = make()
        made: T = self._kept[name]
        return made


def _names(request: Request, parameter: str) -> list[str]:
    """Return the names in a parameter, which clients repeat or fill with commas."""
    return [name for text in request.query_params.getlist(parameter) for name in text.split(",") if name]


def _associations_of(request: Request) -> list[str]:
    return [kind_of(name) for name in _names(request, "associations")]


def _archived(request: Request) -> bool:
    return request.query_params.get("archived", "").lower() == "true"


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise invalid("Invalid input JSON.") from error
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON: no object.")
    return body


def _inputs(body: dict[str, Any], most: int, what: str = "") -> list[dict[str, str]]:
    inputs = [{**given, "id": str(given.get("id"))} for given in body.get("inputs") or []]
    if len(inputs) > most:
        raise invalid(f"The maximum number of inputs supported in a batch request{what} is {most}.")
    return inputs


def _unassociated(kind: str, to: str, record_id: str) -> Fields:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {SINGULARS[to]} is associated with {SINGULARS[kind]} {record_id}.",
        "context": {"fromObjectId": [record_id], "fromObjectType": [SINGULARS[kind]], "toObjectType": [SINGULARS[to]]},
    }
