"""The page of metrics, generated from the catalogue, so that no list is kept by hand."""

import re
from pathlib import Path

from scorecard.catalogue import Catalogue, Metric, load_catalogue
from scorecard.reference.schemas import SCHEMAS, schema_text
from scorecard.shared.settings import Settings

_HEAD = """# Metrics

<!-- Written by `scorecard generate` from dbt_project/models/kpis/*.yml and dbt_project/derived/*.yml. Don't edit. -->

Every indicator of the product. A metric's SQL is `dbt_project/models/kpis/kpi_<metric>.sql`; what is written here
stands in the YAML file beside it. A metric with the aggregate `derived` has no SQL: its file is
`dbt_project/derived/<metric>.yml`. What each line means is in
[Metrics and dimensions](metrics-guide.md#the-keys-of-a-metrics-yaml).
"""


_OWN = """# Metrics of one's own

<!-- Written by `scorecard generate`. Don't edit. -->

Every indicator of the company's that the product doesn't have; those of the product are in `docs/metrics.md`.
"""


def generate(settings: Settings, *, write: bool, add: bool = False) -> list[Path]:
    """Bring the generated files up to date; return those that were stale. Writes nothing unless ``write`` is set.

    ``add``: metrics that docs/metrics.md lacks are the product's, and are added there. Otherwise they are the
    company's: they are written to metrics.md in the folder for output, which is never stale.
    """
    docs = settings.project / "docs"
    product, own = _parted(load_catalogue(settings), docs / "metrics.md", add)
    texts = {docs / "metrics.md": product}
    texts |= {docs / "schemas" / f"{name}.json": schema_text(name) for name in SCHEMAS}
    if write and own:
        texts[settings.out / "metrics.md"] = own
    stale = []
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return stale


def _parted(catalogue: Catalogue, path: Path, add: bool) -> tuple[str, str]:
    """Return the reference of the product's metrics, and that of the company's, "" if it has none."""
    known = set(re.findall(r"(?m)^## (\w+)$", path.read_text(encoding="utf-8"))) if path.exists() else set()
    metrics = [metric for metric in catalogue.metrics.values() if not metric.variant_of]
    entries = {metric.name: _entry(metric, catalogue) for metric in metrics}
    own = {} if add or not known else {name: text for name, text in entries.items() if name not in known}
    product = [text for name, text in entries.items() if name not in own]
    return "\n".join([_HEAD, *product]), "\n".join([_OWN, *own.values()]) if own else ""


def _entry(metric: Metric, catalogue: Catalogue) -> str:
    beside = [variant for variant in catalogue.metrics.values() if variant.variant_of == metric.name]
    facts = {
        "Formula": metric.formula["en"],
        "Unit": f"{metric.unit}, {metric.direction} is better",
        "Aggregate": metric.aggregate,
        "Level, perspective, class": f"{metric.level.upper()}, {metric.perspective}, {metric.metric_class}",
        "Journey stage": metric.journey_stage,
        "Drives": ", ".join(f"`{name}`" for name in metric.drives),
        "Beside it": ", ".join(f"`{variant.name}` ({variant.aggregate})" for variant in beside),
        "Parameters": ", ".join(f"{name} = {value}" for name, value in metric.parameters.items()),
        "Minimum observations": str(metric.minimum_observations),
        "By": ", ".join(metric.grains),
        "Owner": metric.owner,
        "Mind": metric.caveat["en"] if metric.caveat else None,
    }
    lines = [f"## {metric.name}", "", f"**{metric.label['en']}**: {metric.definition['en']}", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items() if value]
    return "\n".join([*lines, ""])
