"""Cursors and limits of lists."""

import base64
import binascii
from bisect import bisect_left

from starlette.requests import Request

from sandbox.standins.hubspot.problems import invalid
from sandbox.standins.record_store import Fields


def cursor(place: int) -> str:
    """Return an opaque text that stands for the place where the next page begins."""
    return base64.b64encode(str(place).encode()).decode()


def place(after: str | None) -> int:
    """Return what a cursor stands for."""
    try:
        return int(base64.b64decode(after, validate=True)) if after else 0
    except (binascii.Error, ValueError) as error:
        raise invalid(f"Invalid paging token: {after}") from error


def limit_of(request: Request, default: int, most: int) -> int:
    """Return the number of records that a request wants on a page."""
    text = request.query_params.get("limit", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise invalid(f"The limit must be between 1 and {most}: {text}")
    return int(text)


def page_of(ids: list[int], after: str | None, limit: int) -> tuple[list[int], str | None]:
    """Return a page of ids in their order, and the cursor of the next one.

    A cursor stands for an id, not for a number of records: what is created or archived meanwhile shifts no page.
    """
    start = bisect_left(ids, place(after))
    page = ids[start : start + limit]
    return page, cursor(page[-1] + 1) if start + limit < len(ids) else None


def part_of(ids: list[str], after: str | None, limit: int) -> tuple[list[str], Fields]:
    """Return a part of what one record is associated with, and what the answer says of the next part."""
    start = place(after)
    more = {"paging": {"next": {"after": cursor(start + limit)}}} if start + limit < len(ids) else {}
    return ids[start : start + limit], more
