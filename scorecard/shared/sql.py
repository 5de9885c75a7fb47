"""SQL out of values: names and texts quoted, a record's key as one text."""

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

    `scorecard.extract.raw.raw_text.key_of` writes the same text in Python.
    """
    if len(columns) > 1:
        columns = [rf"replace(replace({column}::varchar, '\', '\\'), ',', '\,')" for column in columns]
    return f"concat_ws(', ', {', '.join(columns)})"


def first_line(error: BaseException) -> str:
    """Return the first line of a DuckDB error, without the advice below it."""
    return plain(str(error).partition("\n")[0])
