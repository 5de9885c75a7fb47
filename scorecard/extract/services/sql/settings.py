"""Constants of databases: limits and types."""

PAGE = 10_000
"""Rows of a page."""

CONNECT_SECONDS = 10
"""Seconds after which a server that doesn't respond is given up."""

NUMBERS_AGAIN = 1_000
"""How far below the newest number of a cursor is read again: a number may be given out long before it is committed."""

TYPES = {
    "integer": ("bigint", "integer", "decimal", "double"),
    "numeric": ("decimal", "bigint", "integer", "double"),
    "float": ("double", "decimal"),
    "boolean": ("boolean",),
    "date": ("date",),
    "timestamp": ("timestamp",),
    "timestamp with time zone": ("timestamptz",),
}
"""Declared types that a column of a kind may have; any but a binary one may be read as varchar."""

KEYS = {"integer": ("bigint", "integer"), "date": ("date",)}
"""Declared types that a column of the key may have, beside varchar: the database and the warehouse write them alike."""

CURSORS = ("timestamptz", "timestamp", "date", "bigint", "integer")
"""Declared types that a cursor may have."""
