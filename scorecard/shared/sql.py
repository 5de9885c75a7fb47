"""SQL out of values: names and texts quoted, a record's key as one text."""

import re
from collections.abc import Sequence

from scorecard.shared.text import plain


def literal(value: object) -> str:
    """Quote a text or a path as an SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Quote a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def key_sql(columns: Sequence[str]) -> str:
    """Return the SQL of a record's key as one text, from the SQL of its columns.

    `key_of` writes the same text in Python.
    """
    if len(columns) > 1:
        columns = [rf"replace(replace({column}::varchar, '\', '\\'), ',', '\,')" for column in columns]
    return f"concat_ws(', ', {', '.join(columns)})"


def key_of(values: Sequence[object]) -> str:
    r"""Write a record's key as one text, a different text for each key; `key_sql` writes the same.

    A key of one column is written as it is. In a key of several columns, a backslash escapes a comma or backslash; a
    missing part is left out.

    >>> key_of(["a, b", "c"]), key_of(["a", "b, c"]), key_of(["a, b"])
    ('a\\, b, c', 'a, b\\, c', 'a, b')
    """
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values if value is not None]
    return ", ".join(re.sub(r"([\\,])", r"\\\1", text) if len(values) > 1 else text for text in texts)


def first_line(error: BaseException) -> str:
    """Return the first line of a DuckDB error, without the advice below it."""
    return plain(str(error).partition("\n")[0])
