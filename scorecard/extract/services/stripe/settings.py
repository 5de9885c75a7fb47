"""Constants of Stripe: addresses, versions, lists and events."""

import re
from datetime import timedelta

from scorecard.extract.services.versions import ApiVersion

HOST = "https://api.stripe.com"

API = "2025-03-31.basil"
"""Pinned, so that an upgrade of the account changes nothing unseen."""

VERSIONS = (ApiVersion("Stripe's API", API),)
"""Stripe answers in a pinned version; "Stripe versioning and support policy" (docs.stripe.com) names no end of one."""

PAGE = 100
"""Records of a page, the most that Stripe gives."""

EVENTS_KEPT = timedelta(days=29)
"""Stripe keeps them for 30 days; one day less, so that none leaves while they are read."""

LISTS = {
    "customer": "customers",
    "product": "products",
    "price": "prices",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "credit_note": "credit_notes",
    "charge": "charges",
    "refund": "refunds",
    "coupon": "coupons",
}
"""Where the records of an object are listed."""

PARTS: dict[str, tuple[dict[str, str], ...]] = {
    "subscription": ({"status": "all"},),
    # The active ones twice: a price that is switched on between the two parts would be in neither.
    "price": ({"active": "true"}, {"active": "false"}, {"active": "true"}),
}
"""Queries that together list all records of an object, if one without parameters doesn't."""

LINES: dict[str, tuple[str, str, dict[str, str]]] = {
    "subscription": ("items", "subscription_items", {"subscription": "{id}"}),
    "invoice": ("lines", "invoices/{id}/lines", {}),
    "credit_note": ("lines", "credit_notes/{id}/lines", {}),
}
"""The list inside of an object, and the path and query of the whole list: the object has ten entries at most."""

EXPANDED = {"subscription": ("discounts", "expanded_discounts")}
"""A list of ids inside of an object, and the field into which its records are put. A request has to expand the list.

The ids stay in their field, so an object reads the same with and without the records, as in an event.
"""

VOLATILE = ("coupon.valid", "coupon.times_redeemed")
"""Fields of a discount's coupon that change with other discounts; such a change makes no new version."""

TOUCHES = {
    "discount": ("customer", "subscription"),
    "dispute": ("charge",),
    "invoiceitem": ("invoice",),
    "credit_note": ("invoice",),
}
"""Fields of an event's object that name other objects, which the event changes, too."""

_PAGES = {
    "customer": "customers",
    "product": "products",
    "price": "prices",
    "subscription": "subscriptions",
    "invoice": "invoices",
    "charge": "payments",
}
"""Folders of the dashboard, by raw table."""

_RECORD_ID = re.compile(r"[A-Za-z0-9_]+")


def record_url(host: str, table: str, record_id: str) -> str | None:
    """Return the page of a record in the dashboard; None of a table whose records have none, or at another host."""
    if (host or HOST).rstrip("/") != HOST or table not in _PAGES or not _RECORD_ID.fullmatch(record_id):
        return None
    return f"https://dashboard.stripe.com/{_PAGES[table]}/{record_id}"
