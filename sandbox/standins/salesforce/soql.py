"""A part of SOQL, parsed: SELECT, FROM, WHERE, ORDER BY, LIMIT and OFFSET on one object."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sandbox.standins.salesforce.problems import SalesforceRefusal, in_query

T = TypeVar("T")
Value = str | float | bool | datetime | date | None

MAX_OFFSET = 2000

TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<word>[A-Za-z_][\w.]*)
  | (?P<sign><=|>=|!=|[=<>(),])
    )""",
    re.VERBOSE,
)
WORDS: dict[str, Value] = {"TRUE": True, "FALSE": False, "NULL": None}
CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
SIGNS = {"=", "!=", "<", "<=", ">", ">="}


@dataclass(frozen=True)
class Token:
    """A word, sign or literal, and where it stands."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Comparison:
    """A field, an operator and the values it is compared with (several with IN)."""

    field: Token
    operator: str
    values: list[Value]


@dataclass(frozen=True)
class Group:
    """Conditions that are joined by AND, or by OR."""

    operator: str
    parts: list["Condition"]


Condition = Comparison | Group


@dataclass(frozen=True)
class SoqlQuery:
    """A query. ``fields`` is empty where COUNT() is asked for; ``order`` names fields, and whether each descends."""

    text: str
    fields: list[Token]
    kind: Token
    where: Condition | None
    order: list[tuple[Token, bool]]
    limit: int | None
    offset: int | None


def parse(text: str) -> SoqlQuery:
    """Return the query that a text says; raise the SalesforceRefusal that Salesforce answers with if it says none."""
    return _Parser(text).query()


def _tokens(text: str) -> list[Token]:
    tokens = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            at = position + len(text[position:]) - len(text[position:].lstrip())
            raise _unexpected(text, Token("sign", text[at], at))
        tokens.append(Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return [*tokens, Token("end", "<EOF>", end)]


def _unexpected(text: str, token: Token) -> SalesforceRefusal:
    return in_query("MALFORMED_QUERY", text, token.at, f"unexpected token: '{token.text}'")


class _Parser:
    """One method for each rule of the grammar; each takes its tokens from the front of those left."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.position = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.position]

    def query(self) -> SoqlQuery:
        self.keyword("SELECT")
        fields = self.fields()
        self.keyword("FROM")
        kind = self.take("word")
        where = self.condition() if self.accept("WHERE") else None
        order = self.order() if self.accept("ORDER") else []
        limit = self.whole_number() if self.accept("LIMIT") else None
        offset = self.whole_number() if self.accept("OFFSET") else None
        self.take("end")
        if offset is not None and offset > MAX_OFFSET:
            message = f"Maximum SOQL offset allowed for apiName {kind.text} is {MAX_OFFSET}"
            raise SalesforceRefusal("NUMBER_OUTSIDE_VALID_RANGE", message)
        return SoqlQuery(self.text, fields, kind, where, order, limit, offset)

    def fields(self) -> list[Token]:
        if self.next.text.upper() == "COUNT" and self.tokens[self.position + 1].text == "(":
            self.take("word")
            self.sign("(")
            self.sign(")")
            return []
        return self.several(lambda: self.take("word"))

    def condition(self) -> Condition:
        """AND and OR may not stand side by side without parentheses: Salesforce refuses that as well."""
        parts = [self.term()]
        operator = next((word for word in ("AND", "OR") if self.accept(word)), None)
        if operator is None:
            return parts[0]
        parts.append(self.term())
        while self.accept(operator):
            parts.append(self.term())
        return Group(operator, parts)

    def term(self) -> Condition:
        if self.next.text == "(":
            self.sign("(")
            inner = self.condition()
            self.sign(")")
            return inner
        field = self.take("word")
        if self.accept("IN"):
            self.sign("(")
            values = self.several(self.value)
            self.sign(")")
            return Comparison(field, "IN", values)
        operator = self.take("sign")
        if operator.text not in SIGNS:
            raise _unexpected(self.text, operator)
        literal = self.next
        value = self.value()
        if value is None and operator.text not in ("=", "!="):
            raise _unexpected(self.text, literal)
        return Comparison(field, operator.text, [value])

    def value(self) -> Value:
        token = self.next
        self.position += 1
        try:
            match token.kind:
                case "string":
                    return re.sub(r"\\(.)", lambda escape: CONTROLS.get(escape[1], escape[1]), token.text[1:-1])
                case "number":
                    return float(token.text)
                case "datetime":
                    return datetime.fromisoformat(token.text)
                case "date":
                    return date.fromisoformat(token.text)
                case "word":
                    return WORDS[token.text.upper()]
        except (KeyError, ValueError):
            pass
        raise _unexpected(self.text, token)

    def order(self) -> list[tuple[Token, bool]]:
        self.keyword("BY")
        return self.several(self.order_field)

    def order_field(self) -> tuple[Token, bool]:
        field = self.take("word")
        descends = self.accept("DESC")
        if not descends:
            self.accept("ASC")
        return field, descends

    def whole_number(self) -> int:
        token = self.take("number")
        if not token.text.isdigit():
            raise _unexpected(self.text, token)
        return int(token.text)

    def several(self, rule: Callable[[], T]) -> list[T]:
        parts = [rule()]
        while self.next.text == ",":
            self.sign(",")
            parts.append(rule())
        return parts

    def take(self, kind: str) -> Token:
        token = self.next
        if token.kind != kind:
            raise _unexpected(self.text, token)
        self.position += 1
        return token

    def sign(self, text: str) -> None:
        if self.take("sign").text != text:
            raise _unexpected(self.text, self.tokens[self.position - 1])

    def keyword(self, word: str) -> None:
        if not self.accept(word):
            raise _unexpected(self.text, self.next)

    def accept(self, word: str) -> bool:
        """Take a keyword if it is the next token."""
        if self.next.kind != "word" or self.next.text.upper() != word:
            return False
        self.position += 1
        return True
