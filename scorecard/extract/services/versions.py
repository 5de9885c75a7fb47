"""The versions of services' APIs that the connectors call, and when their support ends.

Each connector lists its versions in `VERSIONS` of its settings. A test compares them with the guide's table.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module

from scorecard.shared.plugins import services

WARNED_BEFORE = timedelta(days=120)
"""How long before the end of a version the owner is warned, to have time to install another release."""


@dataclass(frozen=True)
class ApiVersion:
    """A version of an API. ``ends`` is the first day on which it is not supported, None if no end is announced.

    ``replaced_by``: the field in the connection's extra that replaces this version; "" if only another release does.
    """

    api: str
    version: str
    ends: date | None = None
    replaced_by: str = ""


def used(service: str) -> tuple[ApiVersion, ...]:
    """Return the versions that the connector of a service calls; of a database, none."""
    return getattr(import_module(f"scorecard.extract.services.{service}.settings"), "VERSIONS", ()) if service else ()


def ending(service: str, today: date, extra: Collection[str] = (), account: str = "") -> tuple[str, ...]:
    """Return a sentence for each version that a connector calls and that ends soon, or has ended.

    ``extra``: the fields in the extra of the connection of the ``account``, which is named as the service if it isn't
    given. A sentence has no day but the version's end, so that it is the same in each run.
    """
    return tuple(
        f"{version.api} {version.version}, which the connector of {service} calls, is supported until {version.ends}. "
        + _cure(account or service, version)
        for version in used(service)
        if version.ends and version.ends - WARNED_BEFORE <= today and version.replaced_by not in extra
    )


def _cure(account: str, version: ApiVersion) -> str:
    if version.replaced_by:
        return f"Give the connection scorecard_{account} {version.replaced_by} in its extra before then."
    return "Install a release of Scorecard whose connector calls a later version before then."


def table() -> str:
    """Return all versions as rows of a Markdown table."""
    return "\n".join(
        f"| {version.api} | `{version.version}` | {version.ends or 'none announced'} |"
        for service in services()
        for version in used(service)
    )
