"""Keys and JSON paths written as text."""

import re
from collections.abc import Sequence


def key_of(values: Sequence[object]) -> str:
    r"""Write a record's key as one text, each key as a text of its own; `key_sql` writes the same.

    That of one column is as it is. Of several, a comma or backslash inside of a part has a backslash before it; a part
    that is missing is left out.

    >>> key_of(["a, b", "c"]), key_of(["a", "b, c"]), key_of(["a, b"])
    ('a\\, b, c', 'a, b\\, c', 'a, b')
    """
    texts = [str(each).lower() if isinstance(each, bool) else str(each) for each in values if each is not None]
    return ", ".join(re.sub(r"([\\,])", r"\\\1", text) if len(values) > 1 else text for text in texts)


def json_path(header: str) -> str:
    """Return the JSON path of a header: dots part the names, `[0]` takes an entry of a list."""
    parts = re.findall(r"[^.\[\]]+|\[\d+\]", header)
    names = (re.sub(r'(["\\])', r"\\\1", part) for part in parts)
    return "$" + "".join(name if name.startswith("[") else f'."{name}"' for name in names)


def top_of(header: str) -> str:
    """Return the first name of a header."""
    return re.split(r"[.\[]", header)[0]
