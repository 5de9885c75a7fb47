"""How objects of the Stripe stand-in look: names, embedded lists, filters, and the shape of older API versions."""

from collections.abc import Iterable

from sandbox.standins.record_store import Fields, Version

PLURALS = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "invoiceitems": "invoiceitem",
    "credit_notes": "credit_note",
    "charges": "charge",
    "refunds": "refund",
    "coupons": "coupon",
    "promotion_codes": "promotion_code",
}
"""The object that each list holds."""

FILTERS: dict[str, set[str]] = {
    "customer": {"email"},
    "product": {"active"},
    "price": {"active", "currency", "product", "type"},
    "subscription": {"customer", "status"},
    "invoice": {"customer", "status"},
    "invoiceitem": {"customer", "invoice"},
    "credit_note": {"customer", "invoice"},
    "charge": {"customer"},
    "refund": {"charge"},
    "coupon": set(),
    "promotion_code": {"active"},
}
"""Fields that a list can be filtered by, besides `created`."""

LINES = {
    "subscription": ("items", "subscription_item", "/v1/subscription_items?subscription={id}"),
    "invoice": ("lines", "line_item", "/v1/invoices/{id}/lines"),
    "credit_note": ("lines", "credit_note_line_item", "/v1/credit_notes/{id}/lines"),
}
"""Lists inside an object: the field, the object of a line, and where the whole list is."""

EMBEDDED = 10
"""Lines that an object carries itself; the rest is only in the list that it points to."""

BASIL = "2025-03-31"
"""From this version on a subscription's period is on its items, and an invoice names its subscription in `parent`."""

CLOVER = "2025-09-30"
"""From this version on a discount names its coupon in `source`, and no longer carries it whole in `coupon`."""

PERIOD = ("current_period_start", "current_period_end")

Filters = tuple[tuple[str, str], ...]


def created(first: Version) -> int:
    """Return when an object was created: what its first version says, or else the time of that version."""
    return int((first.fields or {}).get("created", first.at.timestamp()))


def shaped(
    kind: str,
    record_id: str,
    fields: Fields,
    created_at: int,
    version: str,
    expand: frozenset[str] = frozenset(),
) -> Fields:
    """Return an object as the API gives it in one of its versions; ``expand`` are fields to give whole, if they can be.

    The store has them whole, in the shape of the newest version.
    """
    whole: Fields = {"id": record_id, "object": kind, "created": created_at, "livemode": False, **fields}
    if kind in LINES:
        name, _, url = LINES[kind]
        lines = lines_of(kind, fields, version)
        whole[name] = {
            "object": "list",
            "data": lines[:EMBEDDED],
            "has_more": len(lines) > EMBEDDED,
            "url": url.format(id=record_id),
        }
    if kind == "subscription" and "discounts" in whole:
        whole["discounts"] = [_discount(discount, version, expand) for discount in whole["discounts"]]
    if version < BASIL and kind == "subscription":
        first = next(iter(_stored_lines(kind, fields)), {})
        whole |= {name: first.get(name) for name in PERIOD}
    if version < BASIL and kind == "invoice":
        details = (whole.pop("parent", None) or {}).get("subscription_details") or {}
        whole["subscription"] = details.get("subscription")
    return whole


def _discount(discount: Fields, version: str, expand: frozenset[str]) -> Fields | str:
    if "discounts" not in expand:
        return str(discount["id"])
    coupon = discount["source"]["coupon"]
    if version < CLOVER:
        return {**{name: value for name, value in discount.items() if name != "source"}, "coupon": coupon}
    whole = "discounts.source.coupon" in expand
    return {**discount, "source": {**discount["source"], "coupon": coupon if whole else coupon["id"]}}


def lines_of(kind: str, fields: Fields, version: str) -> list[Fields]:
    """Return all lines of an object as the API gives them in one of its versions."""
    dropped = PERIOD if kind == "subscription" and version < BASIL else ()
    lines = ({"object": LINES[kind][1], **line} for line in _stored_lines(kind, fields))
    return [{name: value for name, value in line.items() if name not in dropped} for line in lines]


def _stored_lines(kind: str, fields: Fields) -> list[Fields]:
    lines: list[Fields] = fields.get(LINES[kind][0], {}).get("data", [])
    return lines


def matches(kind: str, fields: Fields, created_at: int, filters: Filters) -> bool:
    """Return whether a list with these filters shows an object."""
    wanted = dict(filters)
    # What a list leaves out unless it is asked for: canceled subscriptions, and prices that are no longer active.
    if kind == "subscription" and not _has_status(fields, wanted.pop("status", None)):
        return False
    if kind == "price":
        wanted.setdefault("active", "true")
    if not in_range(created_at, wanted.items()):
        return False
    return all(_text(fields.get(name)) == value for name, value in wanted.items() if not name.startswith("created"))


def in_range(created_at: int, filters: Iterable[tuple[str, str]]) -> bool:
    """Return whether a moment passes the filters `created` and `created[gte]` and their like; others are ignored."""
    for name, value in filters:
        bound = int(value) if name.startswith("created") else 0
        match name:
            case "created" if created_at != bound:
                return False
            case "created[gte]" if created_at < bound:
                return False
            case "created[gt]" if created_at <= bound:
                return False
            case "created[lte]" if created_at > bound:
                return False
            case "created[lt]" if created_at >= bound:
                return False
    return True


def _has_status(fields: Fields, wanted: str | None) -> bool:
    status = fields.get("status")
    if wanted is None:
        return status != "canceled"
    if wanted == "ended":
        return status in ("canceled", "incomplete_expired")
    return wanted in ("all", status)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
