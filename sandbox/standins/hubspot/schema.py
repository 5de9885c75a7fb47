"""HubSpot's object types: their names, the rights to read them, and their properties."""

from collections.abc import Iterable
from typing import Any

from sandbox.standins.hubspot.problems import HubSpotRefusal

Types = dict[str, str]
"""Types of properties, by name."""

SINGULARS = {
    "contacts": "contact",
    "companies": "company",
    "deals": "deal",
    "line_items": "line_item",
    "quotes": "quote",
    "calls": "call",
    "meetings": "meeting",
    "emails": "email",
    "tasks": "task",
    "tickets": "ticket",
}
KINDS = {singular: kind for kind, singular in SINGULARS.items()}

SCOPES = {
    **{
        kind: f"crm.objects.{kind}.read"
        for kind in ("contacts", "companies", "deals", "line_items", "quotes", "owners")
    },
    **dict.fromkeys(("calls", "meetings", "tasks"), "crm.objects.contacts.read"),
    "emails": "sales-email-read",
    "tickets": "tickets",
}

CREATED_WITHOUT_PREFIX = {"contacts", "companies", "deals", "line_items", "tickets"}
"""Types that also have the older `createdate`."""

DEFAULTS = {
    "contacts": ("email", "firstname", "lastname"),
    "companies": ("domain", "name"),
    "deals": ("amount", "closedate", "dealname", "dealstage", "pipeline"),
    "line_items": ("amount", "price", "quantity"),
    "quotes": ("hs_expiration_date", "hs_public_url_key", "hs_status", "hs_title"),
    "tickets": (
        "content",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
    ),
}
"""The properties in answers to requests that name none, besides those in every answer."""

KNOWN: Types = {
    **dict.fromkeys(
        (
            "amount",
            "amount_in_home_currency",
            "annualrevenue",
            "discount",
            "hs_acv",
            "hs_arr",
            "hs_call_duration",
            "hs_deal_stage_probability",
            "hs_mrr",
            "hs_object_id",
            "hs_quote_amount",
            "hs_tcv",
            "numberofemployees",
            "price",
            "quantity",
        ),
        "number",
    ),
    **dict.fromkeys(
        (
            "closed_date",
            "closedate",
            "createdate",
            "first_agent_reply_date",
            "hs_createdate",
            "hs_expiration_date",
            "hs_lastmodifieddate",
            "hs_meeting_end_time",
            "hs_meeting_start_time",
            "hs_task_completion_date",
            "hs_timestamp",
            "lastmodifieddate",
        ),
        "datetime",
    ),
    **dict.fromkeys(
        (
            "deal_currency_code",
            "dealstage",
            "dealtype",
            "hs_call_direction",
            "hs_call_disposition",
            "hs_call_status",
            "hs_email_direction",
            "hs_lead_status",
            "hs_meeting_outcome",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_status",
            "hs_task_status",
            "hs_ticket_priority",
            "hubspot_owner_id",
            "industry",
            "lifecyclestage",
            "pipeline",
        ),
        "enumeration",
    ),
    **dict.fromkeys(("hs_is_closed", "hs_is_closed_won", "hs_is_closed_lost"), "bool"),
}
"""Types of HubSpot's own properties; another is text, unless a test says otherwise."""

FIELD_TYPES = {
    "bool": "booleancheckbox",
    "date": "date",
    "datetime": "date",
    "enumeration": "select",
    "number": "number",
    "string": "text",
}


def kind_of(name: str) -> str:
    """Return the object type that a request names, in the plural or the singular."""
    if name in SINGULARS:
        return name
    if name not in KINDS:
        raise HubSpotRefusal(400, f"Unable to infer object type from: {name}")
    return KINDS[name]


def always(kind: str) -> list[str]:
    """Return the properties that the server sets, and that every answer has."""
    created = ["createdate"] if kind in CREATED_WITHOUT_PREFIX else []
    modified = "lastmodifieddate" if kind == "contacts" else "hs_lastmodifieddate"
    return [*(created or ["hs_createdate"]), modified, "hs_object_id"]


def types_of(kind: str, seen: Iterable[str], overrides: dict[str, str | None]) -> Types:
    """Return the properties that a type has: HubSpot's, those that records have, and what a test says of them."""
    names = {*always(kind), "hs_createdate", *DEFAULTS.get(kind, ()), *seen}
    types: dict[str, str | None] = {name: KNOWN.get(name, "string") for name in names}
    return {name: type_ for name, type_ in sorted((types | overrides).items()) if type_ is not None}


def chosen(kind: str, requested: list[str], types: Types) -> list[str]:
    """Return the properties of an answer: those asked for that are defined, and those that are always there."""
    return sorted(types.keys() & {*always(kind), *(requested or DEFAULTS.get(kind, ()))})


def definition(kind: str, name: str, type_: str) -> dict[str, Any]:
    """Return what the API tells about a property."""
    return {
        "name": name,
        "label": name.removeprefix("hs_").replace("_", " ").capitalize(),
        "type": type_,
        "fieldType": FIELD_TYPES[type_],
        "description": "",
        "groupName": f"{SINGULARS[kind]}information",
        "options": [],
        "hidden": False,
        "hubspotDefined": name in KNOWN or name.startswith("hs_") or name in DEFAULTS.get(kind, ()),
        "archived": False,
    }
