"""Values and names that stand in SQL are quoted by `scorecard.shared.sql`, never by marks written around them."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PARTS = ("checks", "closes", "delivery", "extract", "lineage", "steps", "warehouse")
MARKS = ("'", '"')


def quoted_by_hand(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and expression of each value of an f-string that marks stand around; a constant may have them."""
    for text in ast.walk(tree):
        if not isinstance(text, ast.JoinedStr):
            continue
        for (before, value), (_, after) in pairwise(pairwise(text.values)):
            if isinstance(value, ast.FormattedValue) and not is_constant(value.value):
                marks = ends(before, -1), ends(after, 0)
                if marks[0] == marks[1] and marks[0] in MARKS:
                    yield value.lineno, ast.unparse(value.value)


def is_constant(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id.isupper()


def ends(part: ast.expr, place: int) -> str:
    """Return the first (0) or last (-1) character of a constant part of an f-string; none of any other part."""
    return str(part.value)[place] if isinstance(part, ast.Constant) and part.value else ""


def test_marks_around_a_value_are_seen() -> None:
    source = """f"select '{a}', {b}, '{LIMIT}' from t where c = '{d.e}' and f = {literal(f)}" """
    assert list(quoted_by_hand(ast.parse(source))) == [(1, "a"), (1, "d.e")]
    assert list(quoted_by_hand(ast.parse("""f'select "{a}"."{b}" from t'"""))) == [(1, "a"), (1, "b")]


@pytest.mark.parametrize("part", PARTS)
def test_no_value_is_quoted_by_hand(part: str) -> None:
    problems = [
        f"{path.relative_to(PROJECT)}:{line}: {value}"
        for path in sorted(Path(PROJECT / "scorecard" / part).rglob("*.py"))
        for line, value in quoted_by_hand(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert problems == [], "Use literal() or quoted() of scorecard.shared.sql."
