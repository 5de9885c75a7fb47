"""Searches: their parsed form, and the ids of the records that they find."""

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sandbox.standins.hubspot.catalog import Catalog, HubSpotRecord, millis
from sandbox.standins.hubspot.problems import invalid
from sandbox.standins.hubspot.schema import Types
from sandbox.standins.record_store import utc

MOST_GROUPS, MOST_FILTERS_A_GROUP, MOST_FILTERS = 5, 6, 18
MOST_A_PAGE = 200

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": operator.eq,
    "NEQ": operator.ne,
    "LT": operator.lt,
    "LTE": operator.le,
    "GT": operator.gt,
    "GTE": operator.ge,
    "BETWEEN": lambda mine, bounds: bounds[0] <= mine <= bounds[1],
    "IN": lambda mine, wanted: mine in wanted,
    "NOT_IN": lambda mine, wanted: mine not in wanted,
}
PRESENCE = {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}
OF_IDS = {"EQ", "LT", "LTE", "GT", "GTE", "BETWEEN"}
"""Filters on the id that only say where in the order of ids to look."""

T = TypeVar("T")
Once = Callable[[Hashable, Callable[[], T]], T]


class Filter(NamedTuple):
    """A condition on one property; `wanted` is already comparable with the property's values."""

    name: str
    type: str
    operator: str
    wanted: Any

    def test(self) -> Callable[[HubSpotRecord], bool]:
        """Return a function that tells whether a record meets the condition."""
        name, type_, wanted = self.name, self.type, self.wanted
        if self.operator in PRESENCE:
            present = self.operator == "HAS_PROPERTY"
            return lambda record: (record.value(name) not in (None, "")) == present
        compare = COMPARISONS[self.operator]

        def meets(record: HubSpotRecord) -> bool:
            mine = comparable(record.value(name), type_)
            # Without a value, a record meets no comparison, not even "is not".
            return mine is not None and compare(mine, wanted)

        return meets

    def ids(self) -> tuple[float, float]:
        """Return the least and the greatest id that meet a condition on the id."""
        match self.operator:
            case "EQ":
                return self.wanted, self.wanted
            case "BETWEEN":
                least, greatest = self.wanted
                return least, greatest
            case "GT" | "GTE":
                return self.wanted + (self.operator == "GT"), float("inf")
        return 0, self.wanted - (self.operator == "LT")


class SearchRequest(NamedTuple):
    """What a request for a search asks for."""

    groups: tuple[tuple[Filter, ...], ...]
    sort: tuple[str, str]
    """A property and its type."""
    descending: bool
    properties: list[str]
    limit: int
    after: int


def comparable(value: str | datetime | None, type_: str) -> Any:
    """Return what a value is compared by: milliseconds, a number, or text; None if it is not of its type."""
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return millis(value)
    try:
        if type_ in ("date", "datetime"):
            return int(value) if value.isdecimal() else millis(utc(value))
        return float(value) if type_ == "number" else value if type_ == "enumeration" else value.lower()
    except ValueError:
        return None


def parsed(body: dict[str, Any], types: Types, most: int) -> SearchRequest:
    """Return what a search asks for, or refuse it as HubSpot does."""
    groups = [group.get("filters") or [] for group in body.get("filterGroups") or []]
    counts = [len(filters) for filters in groups]
    if len(groups) > MOST_GROUPS or max(counts, default=0) > MOST_FILTERS_A_GROUP or sum(counts) > MOST_FILTERS:
        raise invalid("There are too many filters or groups of filters.")
    if body.get("query"):
        raise invalid("The stand-in knows filters only, no query.")
    name, descending = _sort(body.get("sorts") or [])
    limit, after = _number(body, "limit", 10), _number(body, "after", 0)
    if not 1 <= limit <= MOST_A_PAGE:
        raise invalid(f"The limit must be between 1 and {MOST_A_PAGE}.")
    if after + limit > most:
        raise invalid(f"Searches reach {most} results at most: a page must not end beyond them.")
    filters = tuple(tuple(_filter(condition, types) for condition in group) for group in groups)
    sort = name, _type(name, types)
    return SearchRequest(filters, sort, descending, list(body.get("properties") or []), limit, after)


def find_ids(search: SearchRequest, catalog: Catalog, once: Once[list[int]]) -> list[int]:
    """Return the ids that a search finds, in its order.

    Filters are tried on every record once only, through `once`: those on the id are left to the order of ids, so that
    a client that goes on from the last id costs no second look at all records.
    """

    if len(search.groups) <= 1:
        ids = _in_group(search.groups[0] if search.groups else (), catalog, once)
    else:
        parts = [_in_group(group, catalog, once) for group in search.groups]
        ids = once(("any of", search.groups), lambda: sorted(set().union(*parts)))
    if search.sort[0] == "hs_object_id":
        return ids[::-1] if search.descending else ids
    return once(("sorted", search.groups, search.sort, search.descending), lambda: _sorted(ids, catalog, search))


def _in_group(group: tuple[Filter, ...], catalog: Catalog, once: Once[list[int]]) -> list[int]:
    of_ids = [condition for condition in group if condition.name == "hs_object_id" and condition.operator in OF_IDS]
    rest = frozenset(condition for condition in group if condition not in of_ids)

    def tried() -> list[int]:
        tests = [condition.test() for condition in rest]
        live = catalog.live
        return [number for number in catalog.live_ids if all(test(live[number]) for test in tests)]

    ids = once(("tried", rest), tried)
    least = max((condition.ids()[0] for condition in of_ids), default=0)
    greatest = min((condition.ids()[1] for condition in of_ids), default=float("inf"))
    return ids[bisect_left(ids, least) : bisect_right(ids, greatest)]


def _sorted(ids: list[int], catalog: Catalog, search: SearchRequest) -> list[int]:
    """Sort by a property; records without a value come last, equal ones in the order of their ids."""
    name, type_ = search.sort
    keys = {number: comparable(catalog.live[number].value(name), type_) for number in ids}
    valued = sorted(
        (number for number in ids if keys[number] is not None), key=keys.__getitem__, reverse=search.descending
    )
    return valued + [number for number in ids if keys[number] is None]


def _sort(sorts: list[Any]) -> tuple[str, bool]:
    if len(sorts) > 1:
        raise invalid("Only one sort is possible.")
    if not sorts:
        return "hs_object_id", False
    if isinstance(sorts[0], str):
        return sorts[0].removeprefix("-"), sorts[0].startswith("-")
    return str(sorts[0].get("propertyName")), sorts[0].get("direction") == "DESCENDING"


def _filter(given: dict[str, Any], types: Types) -> Filter:
    name, how = str(given.get("propertyName")), str(given.get("operator"))
    type_ = _type(name, types)
    if how in PRESENCE:
        return Filter(name, type_, how, None)
    if how not in COMPARISONS:
        raise invalid(f"Invalid operator: {how}")
    if how in ("IN", "NOT_IN"):
        values = given.get("values") or []
    else:
        values = [given.get("value"), given.get("highValue")] if how == "BETWEEN" else [given.get("value")]
    wanted = [comparable(None if value is None else str(value), type_) for value in values]
    if not wanted or None in wanted:
        raise invalid(f"Invalid value for {how} on property {name} of type {type_}.")
    if how in ("IN", "NOT_IN"):
        return Filter(name, type_, how, frozenset(wanted))
    return Filter(name, type_, how, tuple(wanted) if how == "BETWEEN" else wanted[0])


def _type(name: str, types: Types) -> str:
    if name not in types:
        raise invalid(f"Property {name} does not exist.")
    return types[name]


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value is not None and not str(value).isdecimal():
        raise invalid(f"{name} must be an integer: {value}")
    return default if value is None else int(value)
