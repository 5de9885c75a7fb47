"""Queries, run on rows."""

import operator
from collections.abc import Callable
from datetime import date, datetime
from functools import reduce
from typing import Any

from sandbox.standins.salesforce.objects import Column, CurrentRecord, Objects
from sandbox.standins.salesforce.problems import SalesforceRefusal, in_query
from sandbox.standins.salesforce.soql import Comparison, Condition, SoqlQuery, Token, Value

Predicate = Callable[[CurrentRecord], bool]

SEE_DESCRIBE = "Please reference your WSDL or the describe call for the appropriate names."
ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LITERALS: dict[str, tuple[str, type]] = {
    "datetime": ("dateTime", datetime),
    "date": ("date", date),
    "boolean": ("boolean", bool),
    "double": ("double", float),
    "currency": ("currency", float),
    "percent": ("percent", float),
    "int": ("int", float),
}
"""Which literal a field of a type is compared with, and what Salesforce calls it; all other types take strings."""


class ObjectQuery:
    """A query on an object of an organisation: its columns, and the rows that it finds."""

    def __init__(self, query: SoqlQuery, objects: Objects) -> None:
        kind = objects.named(query.kind.text)
        if kind is None:
            message = (
                f"sObject type '{query.kind.text}' is not supported. If you are attempting to use a custom object, "
                f"be sure to append the '__c' after the entity name. {SEE_DESCRIBE}"
            )
            raise in_query("INVALID_TYPE", query.text, query.kind.at, message)
        self.query, self.kind = query, kind
        self._rows = objects.rows(kind)
        self._columns = objects.columns(kind)
        self.columns = [self._column(token) for token in query.fields]

    def rows(self, deleted: bool) -> list[CurrentRecord]:
        """Return the rows; those in the recycle bin, and archived activities, as well if they are asked for."""
        query = self.query
        rows = self._rows if deleted else [row for row in self._rows if not (row.deleted or row.archived)]
        if query.where is not None:
            fits = self._predicate(query.where)
            rows = [row for row in rows if fits(row)]
        for token, descends in reversed(query.order):
            rows = _sorted(rows, self._column(token), descends)
        start = query.offset or 0
        return rows[start : None if query.limit is None else start + query.limit]

    def _column(self, token: Token) -> Column:
        column = self._columns.get(token.text.lower())
        if column is None:
            message = (
                f"No such column '{token.text}' on entity '{self.kind}'. If you are attempting to use a custom field, "
                f"be sure to append the '__c' after the custom field name. {SEE_DESCRIBE}"
            )
            raise in_query("INVALID_FIELD", self.query.text, token.at, message)
        return column

    def _predicate(self, condition: Condition) -> Predicate:
        if isinstance(condition, Comparison):
            return self._comparison(condition)
        parts = [self._predicate(part) for part in condition.parts]
        return reduce(_both if condition.operator == "AND" else _either, parts)

    def _comparison(self, condition: Comparison) -> Predicate:
        column = self._column(condition.field)
        values = [self._comparable(condition, column, value) for value in condition.values]
        read = _caseless(column) if column.type == "string" else column.read
        value = values[0]
        match condition.operator:
            case "IN":
                among = set(values)
                return lambda row: read(row) in among
            case "=":
                return lambda row: bool(read(row) == value)
            case "!=":
                return lambda row: bool(read(row) != value)
        compare = ORDERED[condition.operator]
        return lambda row: (own := read(row)) is not None and compare(own, value)

    def _comparable(self, condition: Comparison, column: Column, value: Value) -> Value:
        if value is None:
            return None
        name, type_ = LITERALS.get(column.type, ("string", str))
        fits = type(value) is type_  # a datetime is a date to isinstance, and a bool an int
        if not fits:
            quotes = "should be" if type_ is str else "should not be"
            message = (
                f"value of filter criterion for field '{column.name}' must be of type {name} "
                f"and {quotes} enclosed in quotes"
            )
            raise in_query("INVALID_FIELD", self.query.text, condition.field.at, message)
        if column.type == "string":
            return str(value).lower()
        return value.isoformat() if type_ is date and isinstance(value, date) else value


def checked_size(rows: list[CurrentRecord], most: int | None) -> list[CurrentRecord]:
    """Return the rows; a query that finds more than the most there may be takes too long."""
    if most is not None and len(rows) > most:
        raise SalesforceRefusal("QUERY_TIMEOUT", "Your query request was running for too long.")
    return rows


def _caseless(column: Column) -> Callable[[CurrentRecord], Any]:
    """SOQL compares text without regard to case."""
    return lambda row: value.lower() if isinstance(value := column.read(row), str) else value


def _both(one: Predicate, other: Predicate) -> Predicate:
    return lambda row: one(row) and other(row)


def _either(one: Predicate, other: Predicate) -> Predicate:
    return lambda row: one(row) or other(row)


def _sorted(rows: list[CurrentRecord], column: Column, descends: bool) -> list[CurrentRecord]:
    """Nulls come first, in either direction."""

    def place(row: CurrentRecord) -> tuple[bool, Any]:
        value = column.read(row)
        return ((value is None) == descends, value)

    return sorted(rows, key=place, reverse=descends)
