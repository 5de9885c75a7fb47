"""Metrics: ``dbt_project/models/kpis/kpi_<name>.sql`` and the ``.yml`` of the same name."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictFloat, StrictInt, model_validator

from scorecard.catalogue.checking import Entry, Open, Text, check, wrong
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.reading import Document, Place, read_document
from scorecard.catalogue.words import DeclaredForms, DeclaredText, filled
from scorecard.keys import closest
from scorecard.languages import Translations, Words
from scorecard.periods import Grain

Aggregate = Literal["sum", "ratio", "average", "median", "percentile_90", "last", "growth", "attainment"]
_MODEL = "kpi_"
_META: Place = ("models", 0, "config", "meta")
Scalar = StrictInt | StrictFloat | StrictBool | Text


class BesideEntry(Entry):
    """A metric that is printed beside another: the same observations under another aggregate."""

    name: Text = Field(description="What is added to the metric's name: `mean` makes `sales_cycle_length_mean`.")
    label: DeclaredText
    aggregate: Aggregate


class MetricEntry(Entry):
    """What ``config.meta`` of a KPI model says of the metric."""

    label: DeclaredText = Field(description="The name that is printed.")
    definition: DeclaredText = Field(description="What it is, in a sentence.")
    formula: DeclaredText = Field(description="How it is computed, in a line.")
    unit: Literal["currency", "percent", "count", "units", "days", "minutes"]
    direction: Literal["higher", "lower"] = Field(description="Which is better.")
    level: Literal["kgi", "kpi", "kfs"] = Field(description="Goal, indicator on the way to it, or factor for success.")
    perspective: Literal["internal", "customer"]
    metric_class: Literal["outcome", "effectiveness", "efficiency"] = Field(alias="class")
    aggregate: Aggregate = Field(description="How observations make a value.")
    owner: Text = Field(description="Whom to ask: an address.")
    caveat: DeclaredText | None = Field(None, description="What a reader has to mind.")
    pending: DeclaredForms | None = Field(None, description="What is not settled: of one record, of {count} records.")
    journey_stage: Text | None = Field(None, description="The stage of the customer's journey that it is about.")
    drives: tuple[Text, ...] = Field((), description="The metrics that it leads to, up to a KGI.")
    minimum_observations: StrictInt = Field(1, ge=1, description="With fewer, a value is n/a.")
    na_where: tuple[Text, ...] = Field((), description="Gaps of a source in which a value is n/a.")
    grains: tuple[Grain, ...] = Field(tuple(Grain), description="The periods that it has values for.")
    parameters: dict[Text, Scalar] = Field({}, description="Numbers and names that the SQL and the words use.")
    of: Text | None = Field(None, description="Of a growth or an attainment: the metric that it is of.")
    beside: tuple[BesideEntry, ...] = Field((), description="Further aggregates of the same observations.")
    signed: StrictBool = Field(False, description="Values have a sign: a gain and a loss.")

    @model_validator(mode="after")
    def _has_a_stage(self) -> "MetricEntry":
        if self.perspective == "customer" and not self.journey_stage:
            raise wrong("A metric of the customer's perspective has no `journey_stage`.", "Name the stage.")
        return self


class _Config(Open):
    meta: MetricEntry


class _Model(Open):
    name: Text
    config: _Config


def _one_model(given: Any) -> Any:
    if isinstance(given, list) and len(given) != 1:
        raise wrong(f"{{key}} has {len(given)} entries.", "Write a file for each metric.")
    return given


class MetricFile(Open):
    """A metric's YAML file: dbt's entry of the model, with the metric under ``config.meta``."""

    models: Annotated[tuple[_Model, ...], BeforeValidator(_one_model)]


@dataclass(frozen=True)
class Metric:
    """One indicator. Its words are keyed by language; English is always there."""

    name: str
    model: str
    label: Words
    definition: Words
    formula: Words
    unit: str
    direction: str
    level: str
    perspective: str
    metric_class: str
    aggregate: str
    owner: str
    journey_stage: str | None = None
    drives: tuple[str, ...] = ()
    minimum_observations: int = 1
    grains: tuple[Grain, ...] = tuple(Grain)
    parameters: dict[str, Any] = field(default_factory=dict)
    variant_of: str | None = None
    of: str | None = None
    caveat: Words | None = None
    signed: bool = False
    pending: dict[str, tuple[str, ...]] | None = None
    """What is not settled yet, by language: of one record, then of several, of which {count} is the number."""

    @property
    def base(self) -> str:
        """The metric whose observations this one is made of: itself, or the one it stands beside."""
        return metric_of(self.model)


def metric_of(model: str) -> str:
    """Return the name of the metric whose observations a KPI model has: ``win_rate`` of ``kpi_win_rate``."""
    return model.removeprefix(_MODEL)


def read_metrics(
    folder: Path, dimensions: Collection[str] | None, translations: Translations, mistakes: Mistakes
) -> dict[str, Metric]:
    """Return the metrics of a folder of KPI models by name; note what is wrong. A file with a mistake has none.

    Parameters
    ----------
    dimensions: those that a metric may name; None where that isn't known, since their own declarations are wrong.
    """
    for path in sorted(folder.glob(f"{_MODEL}*.sql")):
        if not path.with_suffix(".yml").exists():
            cure = f"Write {path.stem}.yml; see docs/data-engineer.md, Add a metric."
            mistakes.note(path, 1, f"The metric has no {path.stem}.yml.", cure)
    metrics: dict[str, Metric] = {}
    documents: dict[str, Document] = {}
    before = len(mistakes)
    for path in sorted(folder.glob(f"{_MODEL}*.yml")):
        try:
            document = read_document(path)
        except WrongDeclarations as error:
            mistakes.extend(error)
            continue
        for metric in _metrics_of(document, dimensions, translations, mistakes):
            if metric.name in metrics:
                line, other = document.line(*_META, "beside"), documents[metric.name].path.name
                mistakes.note(path, line, f"The metric {metric.name} is in {other} too.", "Give one another name.")
            metrics[metric.name], documents[metric.name] = metric, document
    if len(mistakes) == before:
        _check_tree(metrics, documents, mistakes)
    return metrics


def _metrics_of(
    document: Document, dimensions: Collection[str] | None, translations: Translations, mistakes: Mistakes
) -> Iterator[Metric]:
    file = check(document, MetricFile, mistakes, own=_META)
    if file is None:
        return
    (model,) = file.models
    if model.name != document.path.stem:
        line = document.line("models", 0, "name")
        mistakes.note(
            document.path, line, f"The entry is of {model.name}.", f"Write `name: {document.path.stem}`, as the file."
        )
    entry = model.config.meta
    watched = entry.parameters.get("alert_by")
    if watched is not None and dimensions is not None and watched not in dimensions:
        line = document.line(*_META, "parameters", "alert_by")
        cure = closest(str(watched), dimensions)
        mistakes.note(document.path, line, f"`alert_by` names {watched}, which is no dimension.", cure)
    words: dict[str, Any] = {
        key: filled(document, (*_META, key), getattr(entry, key), entry.parameters, translations, mistakes)
        for key in ("label", "definition", "formula", "caveat")
    }
    words["pending"] = translations.of_forms(entry.pending) if entry.pending else None
    others: dict[str, Any] = {
        key: getattr(entry, key) for key in MetricEntry.model_fields if key not in (*words, "beside", "na_where")
    }
    main = Metric(metric_of(document.path.stem), document.path.stem, **words, **others)
    yield main
    for beside in entry.beside:
        yield replace(
            main,
            name=f"{main.name}_{beside.name}",
            label=translations.of_text(beside.label),
            aggregate=beside.aggregate,
            variant_of=main.name,
            drives=(main.name,),
        )


def _check_tree(metrics: dict[str, Metric], documents: dict[str, Document], mistakes: Mistakes) -> None:
    """Note a metric that names none, that reaches no KGI through ``drives``, or that reaches itself."""
    before = len(mistakes)
    for metric in metrics.values():
        if not metric.variant_of:
            _check_named(metric, metrics, documents[metric.name], mistakes)
    for metric in metrics.values() if len(mistakes) == before else ():
        above = _above(metric, metrics)
        document = documents[metric.name]
        line = document.line(*_META, "drives")
        if metric.name in above:
            mistakes.note(
                document.path, line, f"The metric {metric.name} drives itself.", "Break the circle in `drives`."
            )
        elif not any(metrics[name].level == "kgi" for name in {metric.name, *above}):
            mistakes.note(
                document.path, line, f"The metric {metric.name} reaches no KGI.", "Name what it leads to in `drives`."
            )


def _check_named(metric: Metric, metrics: dict[str, Metric], document: Document, mistakes: Mistakes) -> None:
    named: list[tuple[Place, str]] = [(("drives", place), name) for place, name in enumerate(metric.drives)]
    named += [(("of",), metric.of)] if metric.of else []
    for place, name in named:
        if name not in metrics:
            problem = f"`{place[0]}` names {name}, which is no metric."
            mistakes.note(document.path, document.line(*_META, *place), problem, closest(name, metrics))


def _above(metric: Metric, metrics: dict[str, Metric]) -> set[str]:
    """Return the metrics that one reaches through ``drives``."""
    above: set[str] = set()
    rest = list(metric.drives)
    while rest:
        name = rest.pop()
        if name not in above:
            above.add(name)
            rest += metrics[name].drives
    return above
