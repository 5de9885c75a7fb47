"""A close has the reasons of the gaps that a company's own facts declare and its metrics name."""

import json
from dataclasses import replace

from scorecard.closes.freeze import close

FACT = """models:
  - name: core_order
    columns: [{name: note, data_type: varchar}, {name: paid_on, data_type: date}]
    config:
      meta:
        concept: orders
        gaps:
          - {name: no_notes, lacks: note, reason: Nobody writes notes.}
          - {name: no_payments, lacks: paid_on, reason: Nobody pays.}
"""
CONCEPT = "models: [{name: int_orders, columns: [{name: note, data_type: varchar}]}]\n"


def test_a_close_has_the_reasons_of_the_companys_gaps(world):
    world.publish()
    models = world.settings.dbt_project / "models"
    for path, content in (("core/core_order.yml", FACT), ("intermediate/concepts/int_orders.yml", CONCEPT)):
        (models / path).parent.mkdir(parents=True, exist_ok=True)
        (models / path).write_text(content)
    scorecard, metrics, *others = world.arguments("2017-Q4")
    metrics["won_value"] = replace(metrics["won_value"], na_where=("no_notes", "one_outcome"))
    edition = close(world.settings, scorecard, metrics, *others)
    definitions = json.loads((edition.path / "definitions.json").read_text())
    assert definitions["reasons"] == {"no_notes": {"en": "Nobody writes notes."}}


def test_a_close_of_the_products_metrics_has_no_reasons(world):
    assert "reasons" not in json.loads((world.close().path / "definitions.json").read_text())
