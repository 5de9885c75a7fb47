"""What an entry of `_sources.yml` may say: dbt's own keys, and below config.meta those that are read here."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from scorecard.errors import ScorecardError
from scorecard.keys import refuse_unknown
from scorecard.sources.formats import Formats

Kind = Literal["source", "table", "column"]

_ANY = {"name", "description", "config", "tags", "tests", "data_tests"}
_DATED = {"database", "loader", "loaded_at_field", "loaded_at_query", "freshness", "quoting"}
_OF_DBT: dict[Kind, set[str]] = {
    "source": {*_ANY, *_DATED, "schema", "tables"},
    "table": {*_ANY, *_DATED, "identifier", "external", "columns"},
    "column": {*_ANY, "data_type", "constraints", "quote"},
}
_CONFIG = {"enabled", "event_time", "freshness", "loaded_at_field", "loaded_at_query", "meta", "tags"}
_FORMATS = {each.name for each in fields(Formats)} - {"has_typed_cells"}
_META: dict[Kind, set[str]] = {
    "source": {"business_unit", "currency", "role", "service"},
    "table": {
        *("file", "sheet", "delimiter", "object", "each", "primary_key", "merge_key", "cursor", "full_export"),
        *("dated", "known_through", *_FORMATS),
    },
    "column": {"header", "date_format", "not_null", "optional", "measure"},
}


def refuse_unread(entry: Mapping[str, Any], kind: Kind, where: str, path: Path) -> None:
    """Refuse an entry with keys that neither dbt nor the extraction reads. ``where`` names it in a sentence.

    Raises
    ------
    ScorecardError: names the file, the entry, the key and the one that is closest to it.
    """
    config = entry.get("config") or {}
    meta = config.get("meta") or {} if isinstance(config, Mapping) else None
    if not isinstance(meta, Mapping):
        raise ScorecardError(
            f"In {path}, config or config.meta of {where} is no mapping.", "Write its keys as `name: value`."
        )
    if "meta" in entry:
        raise ScorecardError(
            f"In {path}, {where} has meta beside config, where nothing reads it.", "Write it as config.meta."
        )
    refuse_unknown(entry, _OF_DBT[kind], f"In {path}, {where}")
    refuse_unknown(config, _CONFIG, f"In {path}, config of {where}")
    refuse_unknown(meta, _META[kind], f"In {path}, config.meta of {where}")
