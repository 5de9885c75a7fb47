"""The expression of a derived metric: over values of other metrics of the same member.

``(booked_revenue - prior(booked_revenue)) / abs(prior(booked_revenue))``

A name is a metric in the same period; ``prior(m)`` and ``year_ago(m)`` are its values one period and one year before,
``lag(m, 3)`` three months before, ``target(m)`` is its target. They are added, subtracted and multiplied by numbers;
``abs`` leaves out a sign; one division, if any, stands outermost.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

AT = ("now", "prior", "year_ago", "lag", "target")
_OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


@dataclass(frozen=True)
class Term:
    """A value that an expression uses: of which metric, and when; ``months`` back for a lag."""

    metric: str
    at: str
    months: int = 0


@dataclass(frozen=True)
class Expression:
    """An expression as its terms, the one that is there in every row first, and the two sides of its division.

    ``numerator`` and ``denominator`` are SQL with ``{0}``, ``{1}``, … in the places of the terms.
    """

    text: str
    terms: tuple[Term, ...]
    numerator: str
    denominator: str

    @property
    def driver(self) -> Term:
        """The term whose members and periods the derived metric has."""
        return self.terms[0]

    @property
    def looks_back(self) -> bool:
        """Whether it compares periods, so that both have to be complete."""
        return any(term.at in ("prior", "year_ago", "lag") for term in self.terms)

    @property
    def has_target(self) -> bool:
        """Whether it measures against a target."""
        return any(term.at == "target" for term in self.terms)


@dataclass
class _Reader:
    terms: list[Term] = field(default_factory=list)

    def sql(self, node: ast.expr) -> str:
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            return f"({self.sql(node.left)} {_OPERATORS[type(node.op)]} {self.sql(node.right)})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return f"(-{self.sql(node.operand)})"
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return str(node.value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs":
            return f"abs({self.sql(_only(node))})"
        return self._placed(_term(node))

    def _placed(self, term: Term) -> str:
        if term not in self.terms:
            self.terms.append(term)
        return f"{{{self.terms.index(term)}}}"


def read_expression(text: str) -> Expression:
    """Read an expression.

    Raises
    ------
    ValueError: the end of a sentence that begins with the expression and says what is wrong in it.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"is no expression: {error.msg}") from error
    is_division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
    sides = (node.left, node.right) if is_division else (node, ast.Constant(1))  # type: ignore[attr-defined]
    named = _Reader()
    for side in sides:
        named.sql(side)
    driver = next((term for term in named.terms if term.at == "now"), None)
    if driver is None:
        raise ValueError("names no metric of the period itself, as `booked_revenue - …` does")
    reader = _Reader([driver])
    numerator, denominator = (reader.sql(side) for side in sides)
    return Expression(" ".join(text.split()), tuple(reader.terms), numerator, denominator)


def in_sql(side: str, amount: Callable[[int, Term], str], terms: tuple[Term, ...]) -> str:
    """Return one side of an expression with SQL in the places of its terms."""
    return side.format(*(amount(place, term) for place, term in enumerate(terms)))


def _term(node: ast.expr) -> Term:
    if isinstance(node, ast.Name):
        return Term(node.id, "now")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        at, arguments = node.func.id, node.args
        named = bool(arguments) and isinstance(arguments[0], ast.Name)
        if at in ("prior", "year_ago", "target") and named and len(arguments) == 1:
            return Term(arguments[0].id, at)  # type: ignore[attr-defined]
        if at == "lag" and named and len(arguments) == 2 and (months := _months(arguments[1])):
            return Term(arguments[0].id, at, months)  # type: ignore[attr-defined]
    raise ValueError(
        f"has {ast.unparse(node)!r}, which is no metric, prior(metric), year_ago(metric), lag(metric, months),"
        " target(metric), abs(…) or whole number, or a division that is not outermost"
    )


def _only(node: ast.Call) -> ast.expr:
    if len(node.args) != 1 or node.keywords:
        raise ValueError(f"has {ast.unparse(node)!r}: abs takes one thing")
    return node.args[0]


def _months(node: ast.expr) -> int:
    is_number = isinstance(node, ast.Constant) and type(node.value) is int and node.value > 0
    return int(node.value) if is_number else 0  # type: ignore[attr-defined]
