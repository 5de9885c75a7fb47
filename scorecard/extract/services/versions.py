"""Which versions of services' APIs the connectors call, and until when a service supports them.

Each connector lists its own in `VERSIONS` of its settings; the guide's table has the same, which a test holds it to.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module

from scorecard.shared.plugins import services

WARNED_BEFORE = timedelta(days=120)
"""How long before the end of a version its owner is told: there is time to install a release that calls another."""


@dataclass(frozen=True)
class ApiVersion:
    """A version of an API. ``ends`` is the first day on which it is not supported, None where none is announced.

    ``replaced_by``: the field in the connection's extra with which it is not used any more; "" where only another
    release of the product can.
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
        f"{each.api} {each.version}, which the connector of {service} calls, is supported until {each.ends}. "
        + _cure(account or service, each)
        for each in used(service)
        if each.ends and each.ends - WARNED_BEFORE <= today and each.replaced_by not in extra
    )


def _cure(account: str, version: ApiVersion) -> str:
    if version.replaced_by:
        return f"Give the connection scorecard_{account} {version.replaced_by} in its extra before then."
    return "Install a release of Scorecard whose connector calls a later version before then."


def table() -> str:
    """Return all versions as rows of a Markdown table."""
    return "\n".join(
        f"| {each.api} | `{each.version}` | {each.ends or 'none announced'} |"
        for service in services()
        for each in used(service)
    )
