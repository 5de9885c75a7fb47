"""The page of a record at its service, by what the settings say alone: no request is made, no secret is read.

A connector that knows it has the function `record_url` in its settings: `record_url(host, table, record_id)`.
"""

from importlib import import_module

from scorecard.catalogue import declared_as
from scorecard.shared.plugins import services
from scorecard.shared.settings import Connection, Settings


def record_url(settings: Settings, source: str, table: str, record_id: str) -> str | None:
    """Return the address of a record's page; None of a record of a file, or where the address isn't known.

    Parameters
    ----------
    table: the raw table that the record is in.
    """
    service = declared_as(settings, source)
    if source not in settings.services or service not in services():
        return None
    url_at_service = getattr(import_module(f"scorecard.extract.services.{service}.settings"), "record_url", None)
    if url_at_service is None:
        return None
    url: str | None = url_at_service(settings.connections.get(source, Connection()).host, table, record_id)
    return url
