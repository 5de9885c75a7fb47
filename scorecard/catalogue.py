"""The one list of metrics, scorecards and sources: what the YAML beside the SQL says.

A metric is ``dbt_project/models/kpis/kpi_<name>.sql`` and the ``.yml`` of the same name; a scorecard is
``reports/<name>.yml``; a source is ``dbt_project/models/staging/<name>/_sources.yml``. Nothing else lists them.
"""

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from scorecard.errors import ScorecardError
from scorecard.keys import refuse_unknown
from scorecard.periods import Grain
from scorecard.schedule import When, read_when
from scorecard.settings import SERVICES, Settings

DIMENSIONS = (
    "company",
    "business_unit",
    "region",
    "team",
    "rep",
    "product",
    "segment",
    "country",
    "movement",
)
AGGREGATES = ("sum", "ratio", "average", "median", "percentile_90", "last", "growth", "attainment")
_CHOICES = {
    "unit": ("currency", "percent", "count", "units", "days", "minutes"),
    "direction": ("higher", "lower"),
    "level": ("kgi", "kpi", "kfs"),
    "perspective": ("internal", "customer"),
    "class": ("outcome", "effectiveness", "efficiency"),
    "aggregate": AGGREGATES,
}
_REQUIRED = ("label", "definition", "formula", "owner", *_CHOICES)
_WORDS = ("label", "definition", "formula", "caveat")
_OPTIONAL = (
    *("caveat", "pending", "journey_stage", "drives", "minimum_observations", "na_where", "grains", "parameters"),
    *("of", "beside", "signed"),
)
_MODEL = "kpi_"
Words = dict[str, str]
_T = TypeVar("_T")


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
    pending: dict[str, list[str]] | None = None
    """What is not settled yet, by language: of one record, then of several, of which {count} is the number."""

    @property
    def base(self) -> str:
        """The metric whose observations this one is made of: itself, or the one it stands beside."""
        return metric_of(self.model)


@dataclass(frozen=True)
class Recipient:
    """Who gets a scorecard, and in which language."""

    email: str
    language: str


@dataclass(frozen=True)
class Scorecard:
    """What a scorecard shows, how often, and to whom."""

    name: str
    title: Words
    business_unit: str
    cadences: tuple[Grain, ...]
    due: dict[Grain, When]
    metrics: tuple[str, ...]
    breakdowns: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]
    recipients: tuple[Recipient, ...]
    domains: tuple[str, ...]
    owner: str
    purpose: Words


@dataclass(frozen=True)
class Catalogue:
    """Every metric and scorecard by name."""

    metrics: dict[str, Metric]
    scorecards: dict[str, Scorecard]

    def metric(self, name: str) -> Metric:
        """Return a metric, or say which there are."""
        return _pick(self.metrics, name, "metric")

    def scorecard(self, name: str) -> Scorecard:
        """Return a scorecard, or say which there are."""
        return _pick(self.scorecards, name, "scorecard")


def load_catalogue(settings: Settings) -> Catalogue:
    """Read and check every metric and scorecard.

    Raises
    ------
    ScorecardError: an entry lacks a field, has a word that isn't a choice, or names a metric that isn't there.
    """
    if not settings.dbt_project.is_dir():
        raise ScorecardError(
            f"There is no dbt project in {settings.project}.",
            "Correct `project` (SCORECARD_PROJECT), or leave it out: it is the folder of the program then.",
        )
    metrics: dict[str, Metric] = {}
    folder = settings.dbt_project / "models" / "kpis"
    for path in sorted(folder.glob("kpi_*.sql")):
        if not path.with_suffix(".yml").exists():
            raise ScorecardError(
                f"{path} has no {path.stem}.yml.", "Write it; see docs/data-engineer.md, Add a metric."
            )
    for path in sorted(folder.glob("kpi_*.yml")):
        for metric in _metrics_of(path):
            metrics[metric.name] = metric
    _check_tree(metrics)
    scorecards = {}
    units = _business_units(settings)
    for path in sorted((settings.project / "reports").glob("*.yml")):
        scorecard = _scorecard_of(path, metrics, units)
        scorecards[scorecard.name] = scorecard
    return Catalogue(metrics, scorecards)


def metric_of(model: str) -> str:
    """Return the name of the metric whose observations a KPI model has: ``win_rate`` of ``kpi_win_rate``."""
    return model.removeprefix(_MODEL)


def source_names(settings: Settings) -> list[str]:
    """Return the names of the sources to extract without reading more than folder names (cheap enough for a DAG).

    Every declared one counts, but for those of services that the product comes with: these have to be set.
    """
    declared = (path.parent.name for path in (settings.dbt_project / "models" / "staging").glob("*/_sources.yml"))
    return sorted(name for name in declared if name not in SERVICES or name in settings.services)


def schedules(settings: Settings) -> dict[str, dict[Grain, When]]:
    """Return by scorecard when each of its cadences is due, without reading the metrics (cheap enough for a DAG).

    Raises
    ------
    ScorecardError: a scorecard's file can't be read, or what it says of its cadences is wrong.
    """
    paths = sorted((settings.project / "reports").glob("*.yml"))
    return {path.stem: _schedule_of(path, read_yaml(path)) for path in paths}


def _schedule_of(path: Path, entry: dict[str, Any]) -> dict[Grain, When]:
    cadences, due = entry.get("cadences"), entry.get("due", {})
    if not isinstance(cadences, list) or not cadences or not set(map(str, cadences)) <= set(Grain):
        raise ScorecardError(
            f"{path} has cadences: {cadences!r}.", f"List one or more of {', '.join(Grain)}, as [quarter, month]."
        )
    if not isinstance(due, dict) or not set(map(str, due)) <= set(map(str, cadences)):
        raise ScorecardError(
            f"{path} has due: {due!r}.", f"Say when for one of its cadences, as due: {{{cadences[0]}: {{day: 2}}}}."
        )
    return {Grain(cadence): read_when(due.get(cadence, {}), Grain(cadence), path) for cadence in cadences}


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises
    ------
    ScorecardError: the file is not YAML or not a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScorecardError(f"{path} is not valid YAML: {error}.", "Correct the file.") from error
    if not isinstance(content, dict):
        raise ScorecardError(f"{path} is empty or not a mapping.", "Write its keys as `name: value`.")
    return content


def _pick(known: dict[str, _T], name: str, kind: str) -> _T:
    if name in known:
        return known[name]
    raise ScorecardError(f"There is no {kind} {name!r}.", f"Choose one of: {', '.join(sorted(known))}.")


def _business_units(settings: Settings) -> set[str]:
    """Return the units that the declared sources are of."""
    found = set()
    for name in source_names(settings):
        for source in read_yaml(settings.dbt_project / "models" / "staging" / name / "_sources.yml").get("sources", ()):
            found.add(source.get("config", {}).get("meta", {}).get("business_unit"))
    found |= {service.business_unit for service in settings.services.values()}
    return found - {None}


def _metrics_of(path: Path) -> list[Metric]:
    content = read_yaml(path)
    try:
        (model,) = content["models"]
        meta = model["config"]["meta"]
        return _metrics_in(path, meta)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ScorecardError(
            f"{path} is not the entry of one metric: {error!r}.", "See docs/data-engineer.md, Add a metric."
        ) from error


def _metrics_in(path: Path, meta: dict[str, Any]) -> list[Metric]:
    missing = [key for key in _REQUIRED if key not in meta]
    if missing:
        raise ScorecardError(
            f"{path} lacks {', '.join(missing)} under config.meta.", "Add them; see docs/data-engineer.md."
        )
    refuse_unknown(meta, {*_REQUIRED, *_OPTIONAL}, f"config.meta of {path}")
    fewest = meta.get("minimum_observations", 1)
    if not isinstance(fewest, int) or fewest < 1:
        raise ScorecardError(f"{path} has minimum_observations: {fewest}.", "Write a number, 1 or more.")
    signed = meta.get("signed", False)
    if not isinstance(signed, bool):
        raise ScorecardError(f"{path} has signed: {signed}.", "Write true or false.")
    if meta["perspective"] == "customer" and not meta.get("journey_stage"):
        raise ScorecardError(f"{path} is of the customer's perspective and has no journey_stage.", "Name it.")
    for key, choices in _CHOICES.items():
        if meta[key] not in choices:
            raise ScorecardError(f"{path} has {key}: {meta[key]}.", f"Choose one of: {', '.join(choices)}.")
    name = metric_of(path.stem)
    words = {key: _words(path, key, meta) for key in _WORDS}
    main = Metric(
        name=name,
        model=path.stem,
        label=words["label"],
        definition=words["definition"],
        formula=words["formula"],
        unit=meta["unit"],
        direction=meta["direction"],
        level=meta["level"],
        perspective=meta["perspective"],
        metric_class=meta["class"],
        aggregate=meta["aggregate"],
        owner=meta["owner"],
        journey_stage=meta.get("journey_stage"),
        drives=tuple(meta.get("drives", ())),
        minimum_observations=fewest,
        grains=tuple(Grain(grain) for grain in meta.get("grains", Grain)),
        parameters=meta.get("parameters", {}),
        of=meta.get("of"),
        caveat=words["caveat"],
        signed=signed,
        pending=_pending(path, meta),
    )
    return [main, *(_variant(main, beside, path) for beside in meta.get("beside", ()))]


def _words(path: Path, key: str, meta: dict[str, Any]) -> Any:
    """Return what is said in each language, with the metric's parameters put where ``{name}`` stands for one."""
    said = meta.get(key)
    if said is None:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("en"), str):
        raise ScorecardError(f"{path} has no English {key}.", f"Write `{key}: {{en: …}}`, and other languages beside.")
    filled = {}
    for language, text in said.items():
        for name, value in meta.get("parameters", {}).items():
            text = str(text).replace(f"{{{name}}}", str(value))
        if left := re.search(r"\{\w*\}", str(text)):
            raise ScorecardError(
                f"{path} has {left[0]} in its {key}, which is no parameter.", "Add it to `parameters`."
            )
        filled[language] = text
    return filled


def _pending(path: Path, meta: dict[str, Any]) -> dict[str, list[str]] | None:
    said = meta.get("pending")
    if said is None:
        return None
    if not isinstance(said, dict) or "en" not in said or not all(isinstance(forms, list) for forms in said.values()):
        raise ScorecardError(
            f"{path} has a `pending` that is not a list of words for each language.",
            'Write `pending: {en: ["the one in grace doesn\'t renew", "the {count} in grace don\'t renew"]}`.',
        )
    return {language: [str(form) for form in forms] for language, forms in said.items()}


def _variant(main: Metric, beside: dict[str, Any], path: Path) -> Metric:
    """Return the metric printed beside another: the same observations under another aggregate."""
    refuse_unknown(beside, {"name", "label", "aggregate"}, f"config.meta.beside of {path}")
    changed = {
        **main.__dict__,
        "name": f"{main.name}_{beside['name']}",
        "label": beside["label"],
        "aggregate": beside["aggregate"],
        "variant_of": main.name,
        "drives": (main.name,),
    }
    return Metric(**changed)


def _check_tree(metrics: dict[str, Metric]) -> None:
    """Every metric reaches a KGI through ``drives``, and never itself."""
    for metric in metrics.values():
        seen: set[str] = set()
        rest = [metric.name]
        while rest:
            name = rest.pop()
            if name not in metrics:
                raise ScorecardError(f"A metric drives {name!r}, which is not there.", "Correct `drives` in its YAML.")
            parents = metrics[name].drives
            if metric.name in parents:
                raise ScorecardError(f"The metric {metric.name} drives itself.", "Break the circle in `drives`.")
            rest += [parent for parent in parents if parent not in seen]
            seen |= {name, *parents}
        if not any(metrics[name].level == "kgi" for name in seen):
            raise ScorecardError(f"The metric {metric.name} reaches no KGI.", "Name what it drives in its YAML.")


def _scorecard_of(path: Path, metrics: dict[str, Metric], units: set[str]) -> Scorecard:
    entry = read_yaml(path)
    known = {each.name for each in fields(Scorecard)} - {"name", "domains"} | {"audience"}
    refuse_unknown(entry, known, str(path))
    schedule = _schedule_of(path, entry)
    try:
        refuse_unknown(entry["audience"], {"domains"}, f"audience of {path}")
        for item in entry["breakdowns"]:
            refuse_unknown(item, {"metric", "dimension"}, f"A breakdown of {path}")
        for item in entry["recipients"]:
            refuse_unknown(item, {each.name for each in fields(Recipient)}, f"A recipient of {path}")
        scorecard = Scorecard(
            name=path.stem,
            title=entry["title"],
            purpose=entry["purpose"],
            business_unit=entry["business_unit"],
            cadences=tuple(schedule),
            due=schedule,
            metrics=tuple(entry["metrics"]),
            breakdowns=tuple((item["metric"], item["dimension"]) for item in entry["breakdowns"]),
            languages=tuple(entry["languages"]),
            recipients=tuple(Recipient(**recipient) for recipient in entry["recipients"]),
            domains=tuple(domain.lower() for domain in entry["audience"]["domains"]),
            owner=entry["owner"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ScorecardError(
            f"{path} is not a scorecard: {error!r} is missing or wrong.", "See docs/data-engineer.md."
        ) from error
    named = {*scorecard.metrics, *(metric for metric, _ in scorecard.breakdowns)}
    if unknown := sorted(named - metrics.keys()):
        raise ScorecardError(f"{path} names metrics that are not there: {', '.join(unknown)}.", "Correct their names.")
    if unknown := sorted({dimension for _, dimension in scorecard.breakdowns} - set(DIMENSIONS)):
        raise ScorecardError(
            f"{path} breaks down by {', '.join(unknown)}, which is no dimension.",
            f"Choose of: {', '.join(DIMENSIONS)}.",
        )
    if not scorecard.metrics:
        raise ScorecardError(f"{path} names no metrics.", "List them under `metrics`.")
    if units and scorecard.business_unit not in units:
        raise ScorecardError(
            f"{path} is of {scorecard.business_unit!r}, which is the business unit of no source.",
            f"Choose one of: {', '.join(sorted(units))}.",
        )
    _refuse_repeated(path, "metrics", list(scorecard.metrics))
    _refuse_repeated(path, "recipients", [str(each.email).lower() for each in scorecard.recipients])
    for recipient in scorecard.recipients:
        _check_recipient(path, recipient, scorecard)
    return scorecard


def _refuse_repeated(path: Path, what: str, names: list[str]) -> None:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ScorecardError(f"{path} names {', '.join(repeated)} twice in {what}.", "Delete one.")


def _check_recipient(path: Path, recipient: Recipient, scorecard: Scorecard) -> None:
    if not isinstance(recipient.email, str) or not re.fullmatch(
        r"[^@\s,;<>\"\x00-\x1f]+@[A-Za-z0-9.-]+", recipient.email
    ):
        raise ScorecardError(f"{path} has {recipient.email!r} as a recipient.", "Write a plain address, name@domain.")
    if recipient.email.rsplit("@")[-1].lower() not in scorecard.domains:
        raise ScorecardError(
            f"{path} sends to {recipient.email}, which is outside its audience.",
            f"Use an address of {', '.join(scorecard.domains)}, or add the domain to audience.domains.",
        )
    if recipient.language not in scorecard.languages:
        raise ScorecardError(
            f"{path} sends {recipient.email} the language {recipient.language!r}.",
            "Add it to `languages` or change it.",
        )
