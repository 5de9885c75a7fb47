"""What of a model's SQL doesn't run on DuckDB and on Spark alike: every construct that is not known to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.tokens import Token, TokenType

STAND_IN = "portable_"
"""How a call begins that stands for a macro of macros/portable: each engine has its own SQL for it."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Functions of the same name and meaning, as they are written.
_FUNCTIONS = _words("""
    abs any_value array_contains bool_and bool_or cast coalesce concat_ws count dense_rank first_value floor greatest
    grouping if lag lead least length lower max min nullif quarter rank regexp_extract right row_number sign substr sum
    trim try_cast upper year
""")
_TYPES = {"bigint", "boolean", "date", "decimal", "int", "string"}
# Words that parentheses may follow, and which are no functions.
_CLAUSES = _words("""
    all and as between by case distinct else except exists filter from having in intersect is join lateral not on or
    over select sets then union using values when where with
""")
# Clauses and operators that mean the same.
_NODES: tuple[type[exp.Expression], ...] = tuple(
    getattr(exp, name)
    for name in _words("""
    Select From Where Group GroupingSets Having Order Ordered With CTE Join Union Subquery Table TableAlias Values
    Tuple Alias Column Identifier Star Distinct Filter Window WindowSpec Qualify Dot IgnoreNulls And Or Not Paren EQ
    NEQ GT GTE LT LTE Is In Between NullSafeEQ NullSafeNEQ Add Sub Mul Mod Neg DPipe Like Literal Boolean Null Cast
    TryCast DataType DataTypeParam Var
    """)
)

# What to write in place of a construct.
_CURES = {
    "AtTimeZone": "local_day, moment_of or start_of_day",
    "Array": "text_list",
    "Div": "exact_ratio",
    "IntDiv": "whole_quotient",
    "Interval": "add_days, add_months or move",
    "Lateral": "another CTE",
    "arg_max": "value_at_max",
    "date_diff": "days_between",
    "date_trunc": "first_day_of",
    "error": "failure",
    "from_json": "json_has, json_length, json_sum or json_text_where",
    "generate_series": "days_from",
    "last_value": "last_known",
    "list": "an aggregate, or text_list",
    "list_contains": "array_contains",
    "string_agg": "joined_texts",
    "strftime": "iso_week, or the day as a text",
    "to_timestamp": "moment_of_seconds",
    "trunc": "whole_part",
    "unnest": "days_from",
    "varchar": "string",
    "text": "string",
    "timestamptz": "type_of('moment')",
    "timestamp": "type_of('moment')",
    "an order that leaves nulls to the engine": "nulls first or nulls last",
}


class NullsAreSmall(DuckDB):
    """DuckDB's SQL, read as if a null came before every value."""

    NULL_ORDERING = "nulls_are_small"


class NullsAreLarge(DuckDB):
    """DuckDB's SQL, read as if a null came after every value."""

    NULL_ORDERING = "nulls_are_large"


@dataclass(frozen=True)
class Construct:
    """A piece of SQL that doesn't port, and what to write in its place, where there is something."""

    name: str
    sql: str

    def __str__(self) -> str:
        return f"{self.name} (`{self.sql}`): write {_CURES.get(self.name, 'a macro of its own in macros/portable')}"


def constructs(sql: str) -> Iterator[Construct]:
    """Yield what of a compiled model doesn't port. Calls that begin with `portable_` stand for a macro."""
    tokens = sqlglot.tokenize(sql, dialect="duckdb")
    for place, token in enumerate(tokens):
        yield from _of_token(tokens, place, token)
    for tree in filter(None, sqlglot.parse(sql, dialect="duckdb")):
        for node in tree.walk():
            yield from _of_node(node)
    yield from _orders(sql)


def _of_token(tokens: list[Token], place: int, token: Token) -> Iterator[Construct]:
    """Functions and types, as they are written: a parser gives several spellings one name."""
    word = token.text.lower()
    before = tokens[place - 1] if place else None
    if token.token_type == TokenType.STRING:
        # Spark reads it as an escape.
        if "\\" in token.text:
            yield Construct("a backslash in a text", token.text)
    elif not re.fullmatch(r"[a-z_]\w*", word) or word.startswith(STAND_IN):
        return
    elif _is_type(tokens, place):
        if word not in _TYPES:
            yield Construct(word, token.text)
    elif place + 1 < len(tokens) and tokens[place + 1].token_type == TokenType.L_PAREN:
        # `as t (a, b)` and `, t (a, b) as (` name columns.
        names_columns = before is not None and (before.text.lower() in ("as", "with") or _closes(tokens, place + 1))
        if word not in _FUNCTIONS | _CLAUSES | _TYPES and not names_columns:
            yield Construct(word, f"{token.text}(…)")


def _is_type(tokens: list[Token], place: int) -> bool:
    """Return whether a word stands where a cast names its type."""
    before = tokens[place - 1]
    if before.token_type == TokenType.DCOLON:
        return True
    if before.text.lower() != "as":
        return False
    # `cast(x as type)`, where a closing parenthesis follows, or the type's own: `as decimal(30, 8))`.
    depth = 0
    for other in reversed(tokens[: place - 1]):
        depth += {TokenType.R_PAREN: 1, TokenType.L_PAREN: -1}.get(other.token_type, 0)
        if depth < 0:
            return tokens[tokens.index(other) - 1].text.lower() in ("cast", "try_cast")
    return False


def _closes(tokens: list[Token], place: int) -> bool:
    """Return whether the parenthesis that opens at a place is followed by `as (`: a CTE with named columns."""
    depth = 0
    for index in range(place, len(tokens) - 2):
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(tokens[index].token_type, 0)
        if depth == 0:
            return tokens[index + 1].text.lower() == "as" and tokens[index + 2].token_type == TokenType.L_PAREN
    return False


def _of_node(node: exp.Expression) -> Iterator[Construct]:
    text = " ".join(node.sql("duckdb").split())[:80]
    if isinstance(node, exp.Star) and any(node.args.get(name) for name in ("except_", "except", "replace", "rename")):
        yield Construct("a star with exclude, replace or rename", text)
    elif isinstance(node, exp.Union) and node.args.get("by_name"):
        yield Construct("union by name", text)
    elif isinstance(node, exp.With) and node.recursive:
        yield Construct("a recursive CTE", text)
    elif isinstance(node, exp.CTE) and _is_inside_one_of_its_name(node):
        yield Construct("a CTE inside one of its name", node.alias)
    elif isinstance(node, exp.Select):
        yield from _aliases_in_where(node)
    elif not isinstance(node, (*_NODES, exp.Func)) or isinstance(node, (exp.Array, exp.Lateral)):
        yield Construct(type(node).__name__, text)


def _orders(sql: str) -> Iterator[Construct]:
    """Each order of which two engines may put the nulls on different sides: what it says depends on the reader."""
    readings = (
        [order for tree in filter(None, sqlglot.parse(sql, dialect=dialect)) for order in tree.find_all(exp.Ordered)]
        for dialect in (NullsAreSmall, NullsAreLarge)
    )
    for small, large in zip(*readings, strict=True):
        if small.args.get("nulls_first") != large.args.get("nulls_first"):
            yield Construct("an order that leaves nulls to the engine", small.this.sql("duckdb")[:80])


def _is_inside_one_of_its_name(cte: exp.CTE) -> bool:
    outer = cte.parent
    while outer:
        if isinstance(outer, exp.CTE) and outer.alias == cte.alias:
            return True
        outer = outer.parent
    return False


def _aliases_in_where(select: exp.Select) -> Iterator[Construct]:
    """A condition on a column that the same select makes: Spark looks for it in the tables only."""
    made = {item.alias for item in select.selects if isinstance(item, exp.Alias) and item.this.name != item.alias}
    where = select.args.get("where")
    read = {column.name for item in select.selects for column in item.find_all(exp.Column) if not column.table}
    for column in where.find_all(exp.Column) if where else ():
        if not column.table and column.name in made - read and column.find_ancestor(exp.Select) is select:
            yield Construct("a condition on a column of the same select", column.name)
