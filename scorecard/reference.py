"""What is generated from the catalogue, so that no list of metrics is kept by hand."""

from pathlib import Path

from scorecard.catalogue import Catalogue, Metric, load_catalogue
from scorecard.schemas import SCHEMAS, schema_text
from scorecard.settings import Settings

_HEAD = """# Metrics

<!-- Written by `scorecard generate` from dbt_project/models/kpis/*.yml. Don't edit. -->

Every indicator of the product. A metric's SQL is `dbt_project/models/kpis/kpi_<metric>.sql`; what is written here
stands in the YAML file beside it.
"""


def generate(settings: Settings, *, write: bool) -> list[Path]:
    """Bring the generated files up to date; return those that were stale. Writes nothing unless told to."""
    stale = []
    docs = settings.project / "docs"
    texts = {docs / "metrics.md": metric_reference(load_catalogue(settings))}
    texts |= {docs / "schemas" / f"{name}.json": schema_text(name) for name in SCHEMAS}
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path)
            if write:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return stale


def metric_reference(catalogue: Catalogue) -> str:
    """Return docs/metrics.md."""
    return "\n".join(
        [
            _HEAD,
            *(_entry(metric, catalogue) for metric in catalogue.metrics.values() if not metric.variant_of),
        ]
    )


def _entry(metric: Metric, catalogue: Catalogue) -> str:
    beside = [each for each in catalogue.metrics.values() if each.variant_of == metric.name]
    facts = {
        "Formula": metric.formula["en"],
        "Unit": f"{metric.unit}, {metric.direction} is better",
        "Aggregate": metric.aggregate,
        "Level": f"{metric.level.upper()}, {metric.perspective}, {metric.metric_class}",
        "Journey stage": metric.journey_stage,
        "Drives": ", ".join(f"`{name}`" for name in metric.drives),
        "Beside it": ", ".join(f"`{each.name}` ({each.aggregate})" for each in beside),
        "Parameters": ", ".join(f"{name} = {value}" for name, value in metric.parameters.items()),
        "Minimum observations": str(metric.minimum_observations),
        "By": ", ".join(metric.grains),
        "Owner": metric.owner,
        "Mind": metric.caveat["en"] if metric.caveat else None,
    }
    lines = [f"## {metric.name}", "", f"**{metric.label['en']}**: {metric.definition['en']}", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items() if value]
    return "\n".join([*lines, ""])
