"""Keys of declarations: one that was misspelt would change nothing, and nobody would notice."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import plain


def closest(name: str, known: Collection[str]) -> str:
    """Return the cure for a name that is none of the known ones: the one that is closest to it, or all of them."""
    close = get_close_matches(name, sorted(known), n=1)
    return f"Write {close[0]}, or delete it." if close else f"Delete it, or write one of: {', '.join(sorted(known))}."


def refuse_unknown(keys: Iterable[object], known: Collection[str], where: str) -> None:
    """Refuse keys of an entry that nothing reads; ``where`` is the file and the entry.

    Raises
    ------
    ScorecardError: there are some; names them, and the known key that is closest to the first.
    """
    unknown = sorted(str(key) for key in keys if key not in known)
    if not unknown:
        return
    raise ScorecardError(f"{where} has {plain(', '.join(unknown))}, which means nothing.", closest(unknown[0], known))
