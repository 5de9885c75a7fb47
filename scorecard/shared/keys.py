"""Unknown keys of declarations are refused: a misspelt key would change nothing, and nobody would notice."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from scorecard.shared.errors import ScorecardError
from scorecard.shared.text import plain


def closest(name: str, known: Collection[str]) -> str:
    """Return the cure for an unknown name: the closest known name, or all of them."""
    close = get_close_matches(name, sorted(known), n=1)
    return f"Write {close[0]}, or delete it." if close else f"Delete it, or write one of: {', '.join(sorted(known))}."


def refuse_unknown(keys: Iterable[object], known: Collection[str], where: str) -> None:
    """Refuse unknown keys of an entry; ``where`` is the file and the entry.

    Raises
    ------
    ScorecardError: names the unknown keys, and the known key that is closest to the first.
    """
    unknown = sorted(str(key) for key in keys if key not in known)
    if not unknown:
        return
    raise ScorecardError(
        f"{where} has the unknown key{'s' if len(unknown) > 1 else ''} {plain(', '.join(unknown))}.",
        closest(unknown[0], known),
    )
