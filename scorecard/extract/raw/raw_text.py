"""Keys and JSON paths written as text."""

import re
from collections.abc import Sequence


def key_of(values: Sequence[object]) -> str:
    r"""Write a record's key as one text, a different text for each key; `key_sql` writes the same.

    A key of one column is written as it is. In a key of several columns, a backslash escapes a comma or backslash; a
    missing part is left out.

    >>> key_of(["a, b", "c"]), key_of(["a", "b, c"]), key_of(["a, b"])
    ('a\\, b, c', 'a, b\\, c', 'a, b')
    """
    texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values if value is not None]
    return ", ".join(re.sub(r"([\\,])", r"\\\1", text) if len(values) > 1 else text for text in texts)


def json_path(header: str) -> str:
    """Return the JSON path of a header: dots part the names, `[0]` takes an entry of a list."""
    parts = re.findall(r"[^.\[\]]+|\[\d+\]", header)
    names = (re.sub(r'(["\\])', r"\\\1", part) for part in parts)
    return "$" + "".join(name if name.startswith("[") else f'."{name}"' for name in names)


def top_of(header: str) -> str:
    """Return the first name of a header."""
    return re.split(r"[.\[]", header)[0]
