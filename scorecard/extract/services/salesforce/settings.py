"""Constants of Salesforce: versions, limits, fields and types."""

import re

from scorecard.extract.services.versions import ApiVersion

API = "v62.0"
"""Pinned, so that an upgrade of the service changes nothing unseen."""

VERSIONS = (ApiVersion("Salesforce's REST and Bulk API", API),)
"""Salesforce supports a version for three years at least from its release (this one: October 2024), and ends it with a
notice of a year. "API End-of-Life Policy" of its REST API guide names 41.0 and later as supported, and an end (Summer
'28) of 31.0 to 40.0 alone."""

PAGE = 2000
"""Records of a page, the most that Salesforce gives."""

BULK_PAGE = 10_000
"""Records of a part of a bulk job's result: all of them are in memory at once."""

LONGEST_QUERY = 8000
"""Letters of names of fields that fit into an address beside the rest: Salesforce refuses one above 16,000 or so."""

POLL_SECONDS = 2.0
"""Between two looks at a bulk job."""

POLL_MINUTES = 60
"""After which a bulk job that has not ended is given up."""

MODIFIED = "SystemModstamp"
"""It moves with every change, those of the system's own included; LastModifiedDate only with people's."""

ONLY_CREATED = ("OpportunityFieldHistory", "LeadHistory", "AccountHistory", "ContactHistory")
"""Objects that never change and say only when they were created. None is in the contract, for Salesforce keeps their
records two years at most; the history of stages is OpportunityHistory, which it keeps."""

NOT_FOR_BULK = ONLY_CREATED
"""Objects that are read page by page, however many records they have: they have values of any type."""

SYSTEM_FIELDS = (
    "attributes",
    "CreatedById",
    "LastModifiedById",
    "LastModifiedDate",
    "LastReferencedDate",
    "LastViewedDate",
)
"""Fields of every object that say nothing about the business."""

COMPOUND = ("address", "location", "base64", "complexvalue", "anyType")
"""Types of fields that repeat other fields, or have no text."""

TYPES = {
    "boolean": ("boolean",),
    "int": ("bigint", "integer", "decimal", "double"),
    "long": ("bigint", "decimal", "double"),
    "double": ("decimal", "double", "bigint", "integer"),
    "currency": ("decimal", "double"),
    "percent": ("decimal", "double"),
    "date": ("date",),
    "datetime": ("timestamptz",),
}
"""Declared types that a field of a Salesforce type may have; any field may be read as varchar."""

STILL_OPEN = {"Opportunity": "IsClosed = false"}
"""Conditions of records that `start_date` never leaves out: open opportunities, whenever they were changed."""

EARLIEST = "1999-01-01T00:00:00.000Z"
"""Before it there was no Salesforce."""

_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def record_url(host: str, _table: str, record_id: str) -> str | None:
    """Return the page of a record in the org: every object's is found by its id."""
    if not host.startswith("https://") or not _RECORD_ID.fullmatch(record_id):
        return None
    return f"{host.rstrip('/')}/{record_id}"
