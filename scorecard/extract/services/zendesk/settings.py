"""Constants of Zendesk: versions, limits, objects and their shapes."""

from datetime import date

from scorecard.extract.contracts.contract import RecordShape
from scorecard.extract.services.versions import ApiVersion

API = "api/v2"

VERSIONS = (
    ApiVersion("Zendesk's Ticketing and Help Center API", "v2"),
    ApiVersion("Zendesk's authentication", "API token", date(2027, 4, 30), replaced_by="access_token"),
)
"""Of v2 Zendesk has announced no end; that of API tokens in "Migrating from API tokens to OAuth access tokens"
(developer.zendesk.com)."""

EXPORT_PAGE = 1000
"""Records of a page of an export, the most that Zendesk gives."""

LIST_PAGE = 100
"""Records of a page of a list, the most that Zendesk gives."""

LONGEST_WAIT = 120
"""Seconds. Zendesk has asked to wait 93 after a used-up minute of exports."""

LEFT_OUT = 60
"""Seconds before now that exports leave out. Zendesk refuses an export that begins in them."""

TICKETS, USERS, ORGANIZATIONS = "tickets", "users", "organizations"
GROUPS, RATINGS, SURVEYS = "groups", "satisfaction_ratings", "survey_responses"

SATISFACTION = (RATINGS, SURVEYS)
"""Opinions about a ticket, in two generations of the survey: an account uses one, and may lack the other."""

PATHS = {SURVEYS: "guide/survey_responses"}
"""Where a list is, if not at the object's name."""

BY_CURSOR = (TICKETS, USERS)
"""Objects whose changes an export gives from a cursor on."""

BY_TIME = (ORGANIZATIONS,)
"""Objects whose changes an export gives from a second on."""

METRICS = "metric_set"
"""The field of a ticket's metrics, which Zendesk calls `ticket_metrics` and adds on request."""

RATING_MAY_CHANGE = 28 * 24 * 60 * 60
"""Seconds. Requesters may change their rating until the ticket is closed, 28 days after it was solved at the latest."""

SHAPES = {
    TICKETS: RecordShape(
        modified="generated_timestamp",
        deleted="status",
        deleted_value="deleted",
        deleted_at="updated_at",
        # Columns of the contract go into them.
        ignored=(
            f"{METRICS}.reply_time_in_minutes",
            f"{METRICS}.first_resolution_time_in_minutes",
            f"{METRICS}.full_resolution_time_in_minutes",
        ),
    ),
    USERS: RecordShape(deleted="active", deleted_value="false", deleted_at="updated_at"),
    ORGANIZATIONS: RecordShape(deleted="deleted_at", deleted_value="", deleted_at="deleted_at"),
    GROUPS: RecordShape(deleted="deleted", deleted_at="updated_at"),
    RATINGS: RecordShape(),
    # The ids of the subjects are kept; the state of the survey today says nothing about an answer.
    SURVEYS: RecordShape(ignored=("subjects", "survey.state")),
}
"""The objects that are read. Only tickets have a time that moves with every change; else the last one read counts."""

_PAGES = {"ticket": "tickets", "user": "users", "organization": "organizations"}
"""Folders of the agent's pages, by raw table."""


def record_url(host: str, table: str, record_id: str) -> str | None:
    """Return the agent's page of a record; None of a table whose records have none."""
    if not host.startswith("https://") or table not in _PAGES or not record_id.isdecimal():
        return None
    return f"{host.rstrip('/')}/agent/{_PAGES[table]}/{record_id}"
