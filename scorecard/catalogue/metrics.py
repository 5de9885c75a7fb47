"""Metrics of a dbt project: ``models/kpis/kpi_<name>.sql`` with its ``.yml``; derived ones: ``derived/<name>.yml``."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scorecard.catalogue.crossings import WHOLE, problem_of
from scorecard.catalogue.declared_words import filled
from scorecard.catalogue.dimensions import Dimension
from scorecard.catalogue.expression import Expression
from scorecard.catalogue.metric_entries import DerivedEntry, DescribedEntry, MetricEntry, MetricFile, Number
from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.parameters import Parameters
from scorecard.catalogue.validation import check
from scorecard.catalogue.yaml_files import Place, YamlFile, read_document
from scorecard.shared.keys import closest
from scorecard.shared.languages import Translations, Words
from scorecard.shared.periods import Grain

_MODEL = "kpi_"
_META: Place = ("models", 0, "config", "meta")
DERIVED = "derived"
"""The aggregate of a metric that is computed from values of others."""
_Read = Callable[["_Project", YamlFile], Iterator["Metric"]]
Declared = tuple[YamlFile, Place]
"""A file, and the place in it of what it says of the metric."""


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
    parameters: dict[str, Number] = field(default_factory=dict)
    variant_of: str | None = None
    kind: str = "flow"
    na_where: tuple[str, ...] = ()
    alert_by: str | None = None
    cross: tuple[tuple[str, str], ...] = ()
    """The pairs of dimensions by which it has values."""
    may_exceed_one: bool = False
    evidence: str | None = None
    expression: Expression | None = None
    """What a derived metric is computed by; it has no SQL."""
    caveat: Words | None = None
    signed: bool = False
    pending: dict[str, tuple[str, ...]] | None = None
    """What is not settled yet, by language: of one record, then of several, of which {count} is the number."""

    @property
    def base(self) -> str:
        """The metric whose observations this one is made of: itself, or the one it stands beside."""
        return metric_of(self.model) or self.name


def metric_of(model: str) -> str:
    """Return the name of the metric whose observations a KPI model has: ``win_rate`` of ``kpi_win_rate``."""
    return model.removeprefix(_MODEL)


@dataclass(frozen=True)
class _Project:
    """What the files of metrics are read with."""

    dimensions: Mapping[str, Dimension] | None
    parameters: Parameters
    translations: Translations
    mistakes: Mistakes


def read_metrics(
    parameters: Parameters, dimensions: Mapping[str, Dimension] | None, translations: Translations, mistakes: Mistakes
) -> dict[str, Metric]:
    """Return the metrics of a dbt project by name, those with SQL first; note what is wrong.

    A file with a mistake has no metric.

    Parameters
    ----------
    parameters: the numbers that count; they know the project, too.
    dimensions: those that a metric may name; None where that isn't known, since their own declarations are wrong.
    """
    dbt_project = parameters.settings.dbt_project
    project = _Project(dimensions, parameters, translations, mistakes)
    folder = dbt_project / "models" / "kpis"
    for path in sorted(folder.glob(f"{_MODEL}*.sql")):
        if not path.with_suffix(".yml").exists():
            cure = f"Write {path.stem}.yml; see docs/metrics-guide.md, Add a metric."
            mistakes.note(path, 1, f"The metric has no {path.stem}.yml.", cure)
    metrics: dict[str, Metric] = {}
    declared: dict[str, Declared] = {}
    before = len(mistakes)
    files: list[tuple[Path, _Read, Place]] = [
        (path, _metrics_of, _META) for path in sorted(folder.glob(f"{_MODEL}*.yml"))
    ]
    files += [(path, _derived_of, ()) for path in sorted((dbt_project / "derived").glob("*.yml"))]
    for path, read, place in files:
        try:
            document = read_document(path)
        except WrongDeclarations as error:
            mistakes.extend(error)
            continue
        for metric in read(project, document):
            if metric.name in metrics:
                line, other = document.line(*place, "beside"), declared[metric.name][0].path.name
                mistakes.note(path, line, f"The metric {metric.name} is also in {other}.", "Give one another name.")
            metrics[metric.name], declared[metric.name] = metric, (document, place)
    if len(mistakes) == before:
        _check_tree(metrics, declared, mistakes)
    return metrics


def _metrics_of(project: _Project, document: YamlFile) -> Iterator[Metric]:
    mistakes = project.mistakes
    file = check(document, MetricFile, mistakes, own=_META)
    if file is None:
        return
    (model,) = file.models
    if model.name != document.path.stem:
        line = document.line("models", 0, "name")
        mistakes.note(
            document.path,
            line,
            f"The entry has the name {model.name}.",
            f"Write `name: {document.path.stem}`, as the file.",
        )
    entry = model.config.meta
    name = metric_of(model.name)
    project.parameters.check_metric(name, entry.parameters, mistakes)
    numbers = {
        key: project.parameters.numbers(name, key, parameter.default) for key, parameter in entry.parameters.items()
    }
    # Values over all units are settled when those of the slowest unit are.
    given = _given(project, document, _META, entry, numbers)
    given["parameters"] = {key: max(numbers[key]) for key in numbers}
    main = Metric(name, model.name, **given)
    if project.dimensions is not None:
        _check_dimensions(document, main, project.dimensions, mistakes)
    yield main
    for beside in entry.beside:
        yield replace(
            main,
            name=f"{main.name}_{beside.name}",
            label=project.translations.of_text(beside.label),
            aggregate=beside.aggregate,
            variant_of=main.name,
            drives=(main.name,),
        )


def _check_dimensions(
    document: YamlFile, metric: Metric, dimensions: Mapping[str, Dimension], mistakes: Mistakes
) -> None:
    if metric.alert_by and metric.alert_by not in dimensions:
        line = document.line(*_META, "alert_by")
        cure = closest(metric.alert_by, dimensions)
        mistakes.note(document.path, line, f"`alert_by` names the unknown dimension {metric.alert_by}.", cure)
    for pair in metric.cross:
        if problem := problem_of(pair, dimensions):
            cure = f"Write two of: {', '.join(name for name in dimensions if name not in WHOLE)}."
            mistakes.note(document.path, document.line(*_META, "cross"), f"`cross` names {problem}.", cure)


def _derived_of(project: _Project, document: YamlFile) -> Iterator[Metric]:
    entry = check(document, DerivedEntry, project.mistakes)
    if entry is not None:
        given = _given(project, document, (), entry, {})
        yield Metric(document.path.stem, "", aggregate=DERIVED, **given)


def _given(
    project: _Project, document: YamlFile, place: Place, entry: DescribedEntry, parameters: dict[str, list[Number]]
) -> dict[str, Any]:
    """Return the fields of a metric that its entry gives, with parameters in its words."""
    words: dict[str, Any] = {
        key: filled(document, (*place, key), getattr(entry, key), parameters, project.translations, project.mistakes)
        for key in ("label", "definition", "formula", "caveat")
    }
    if isinstance(entry, MetricEntry) and entry.pending:
        words["pending"] = project.translations.of_forms(entry.pending)
    others = {key: getattr(entry, key) for key in type(entry).model_fields if key not in (*words, "beside")}
    return {**words, **others}


def _check_tree(metrics: dict[str, Metric], declared: dict[str, Declared], mistakes: Mistakes) -> None:
    """Note a metric that drives nothing, reaches no KGI through ``drives``, or reaches itself."""
    before = len(mistakes)
    for metric in metrics.values():
        if not metric.variant_of:
            _check_named(metric, metrics, declared[metric.name], mistakes)
    for metric in metrics.values() if len(mistakes) == before else ():
        above = _above(metric, metrics)
        document, place = declared[metric.name]
        line = document.line(*place, "drives")
        if metric.name in above:
            mistakes.note(
                document.path, line, f"The metric {metric.name} drives itself.", "Break the circle in `drives`."
            )
        elif not any(metrics[name].level == "kgi" for name in {metric.name, *above}):
            mistakes.note(
                document.path, line, f"The metric {metric.name} reaches no KGI.", "Name what it leads to in `drives`."
            )


def _check_named(metric: Metric, metrics: dict[str, Metric], declared: Declared, mistakes: Mistakes) -> None:
    document, own = declared
    named: list[tuple[Place, str]] = [(("drives", number), name) for number, name in enumerate(metric.drives)]
    if metric.expression:
        named += [(("expression",), term.metric) for term in metric.expression.terms]
    for place, name in named:
        line = document.line(*own, *place)
        if name not in metrics:
            problem = f"`{place[0]}` names the unknown metric {name}."
            mistakes.note(document.path, line, problem, closest(name, metrics))
        elif place == ("expression",) and metrics[name].expression:
            problem = f"`expression` names the derived metric {name}."
            mistakes.note(document.path, line, problem, "Write the metrics that it is computed from in its place.")


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
