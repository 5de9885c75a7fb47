"""JSON schemas of declarations, so that an editor completes keys and marks what is wrong while one writes."""

import json

from pydantic import BaseModel

from scorecard.catalogue.dimensions import DimensionFile
from scorecard.catalogue.facts import CoreFile
from scorecard.catalogue.metric_entries import DerivedEntry, MetricFile
from scorecard.catalogue.scorecards import ScorecardEntry
from scorecard.catalogue.source_entries import SourceFile
from scorecard.checks.rules import RulesFile

SCHEMAS: dict[str, type[BaseModel]] = {
    "derived": DerivedEntry,
    "core": CoreFile,
    "dimensions": DimensionFile,
    "metric": MetricFile,
    "rules": RulesFile,
    "scorecard": ScorecardEntry,
    "source": SourceFile,
}
"""By the name of its file in docs/schemas, the model of a file of declarations."""


def schema_text(name: str) -> str:
    """Return a JSON schema as its file has it."""
    schema = SCHEMAS[name].model_json_schema(by_alias=True)
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
