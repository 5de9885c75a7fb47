"""The cure for an unknown name in a declaration."""

from collections.abc import Collection
from difflib import get_close_matches


def closest(name: str, known: Collection[str]) -> str:
    """Return the cure for an unknown name: the closest known name, or all of them."""
    close = get_close_matches(name, sorted(known), n=1)
    return f"Write {close[0]}, or delete it." if close else f"Delete it, or write one of: {', '.join(sorted(known))}."
