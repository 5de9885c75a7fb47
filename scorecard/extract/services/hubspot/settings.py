"""Constants of HubSpot: addresses, versions, limits and types."""

from datetime import date, timedelta

from scorecard.extract.services.versions import ApiVersion

HOST = "https://api.hubapi.com"
"""The address for connections that name no host."""

API, OAUTH = "2026-09", "2026-03"
"""Versions, which stand in the paths; of the token's endpoint HubSpot documents no newer one."""

VERSIONS = (
    ApiVersion("HubSpot's CRM and account API", API, date(2028, 3, 1)),
    ApiVersion("HubSpot's OAuth API", OAUTH, date(2027, 9, 1)),
)
"""HubSpot supports a version for 18 months from the month in its name."""

ACCOUNT = f"account-info/{API}/details"
TOKEN = f"oauth/{OAUTH}/token"
OBJECTS, PROPERTIES, ASSOCIATED = f"crm/objects/{API}", f"crm/properties/{API}", f"crm/associations/{API}"
"""Paths."""

PAGE, PAGE_WITH_HISTORY, SEARCH_PAGE = 100, 50, 200
"""Records of a page, the most that HubSpot gives; the second also of a batch."""

ASSOCIATIONS_BATCH = 1000
"""Records whose associations one request may ask for."""

SEARCH_LAG = timedelta(minutes=5)
"""By which a search stays behind the clock: the newest records are in the lists before they are in the index."""

LONGEST_QUERY = 8000
"""Letters of property names that fit into an address; above, records are read in batches, which name them in a body."""

LONGEST_SEARCH = 3000
"""Characters of a search, the most that HubSpot takes; properties that make it longer are read in batches."""

MODIFIED = {"contacts": "lastmodifieddate"}
OTHERS_MODIFIED = "hs_lastmodifieddate"
"""Properties with the time of a record's last change."""

MERGED = "hs_merged_object_ids"
"""The property in which a record keeps the ids of those that it took in."""

CLOSED = "hs_is_closed"
"""The property in which a deal says whether it is closed: `start_date` leaves out no deal that is open."""

SHORT_LISTS = {"owners": f"crm/owners/{API}", "pipelines": f"crm/pipelines/{API}/deals"}
"""Short lists, which are read whole, since HubSpot has no search for their changes: paths by object."""

HISTORY = {"deals": ("dealstage",)}
"""Properties of which all values are read, with their times."""

ASSOCIATIONS = {
    "contacts": ("companies",),
    "deals": ("companies", "contacts"),
    "line_items": ("deals",),
    "quotes": ("deals",),
    "calls": ("contacts", "deals"),
    "meetings": ("contacts", "deals"),
    "emails": ("contacts", "deals"),
    "tasks": ("contacts", "deals"),
}
"""The objects whose associations with an object are read."""

SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal"}
"""The names of objects in the types of associations."""

SCOPES = {
    **{
        kind: f"crm.objects.{kind}.read"
        for kind in ("contacts", "companies", "deals", "line_items", "quotes", "owners")
    },
    **dict.fromkeys(("calls", "meetings", "tasks"), "crm.objects.contacts.read"),
    "emails": "sales-email-read",
    "pipelines": "crm.objects.deals.read",
}
"""The scope that an app needs to read an object."""

REDUNDANT = ("id", "createdAt", "updatedAt", "url", "objectWriteTraceId")
"""Fields of a record that repeat its properties, or say nothing about it."""

TYPES = {
    "number": ("decimal", "bigint", "integer", "double"),
    "datetime": ("timestamptz",),
    "date": ("date",),
    "bool": ("boolean",),
}
"""Declared types that a property of a HubSpot type may have; any property may be read as varchar."""
