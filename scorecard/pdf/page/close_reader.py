"""Reads the folder of a close. No other module of the PDF opens a file of data."""

import json
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.pdf.page.close_content import (
    WHOLE,
    Action,
    Check,
    CloseContent,
    Figure,
    MetricDefinition,
    periods_to_chart,
)
from scorecard.pdf.page.fonts import visible
from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import ENGLISH, Forms, frozen_words
from scorecard.shared.periods import FiscalYear, Period, last_over, parse_period

if TYPE_CHECKING:
    import pyarrow as pa


def read_close(close_dir: Path, language: str) -> CloseContent:
    """Read a close folder.

    Raises
    ------
    ScorecardError: a file is missing or is not what the contract of closes says.
    """
    try:
        return _content(close_dir, language)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ScorecardError(
            f"The close in {close_dir} can't be read: {type(error).__name__}: {error}.",
            "Run `scorecard verify`, and restore the folder from a backup if it is broken.",
        ) from error


def _content(close_dir: Path, language: str) -> CloseContent:
    manifest = _json(close_dir / "manifest.json")
    definitions = _json(close_dir / "definitions.json")
    settings = definitions["settings"]
    fiscal = FiscalYear.of_close(settings)
    period = parse_period(manifest["period"], fiscal)
    actions = tuple(_action(row, language) for row in _rows(close_dir / "actions.parquet"))
    restatements = tuple(_json(close_dir / "restatements.json"))
    figures = _figures(close_dir / "values.parquet", period, fiscal, actions, restatements)
    return CloseContent(
        close_id=manifest["close_id"],
        edition=manifest["edition"],
        content_sha256=manifest["content_sha256"],
        scorecard=definitions["scorecard"],
        manifest=manifest,
        language=language,
        title=_text_in(definitions["scorecard"]["title"], language),
        purpose=_text_in(definitions["scorecard"]["purpose"], language),
        currency=settings["currency"],
        fiscal=fiscal,
        period=period,
        metrics={name: _metric(entry, language) for name, entry in definitions["metrics"].items()},
        figures={(figure.metric, figure.period, figure.dimension, figure.member): figure for figure in figures},
        checks=tuple(_check(row, language) for row in _rows(close_dir / "checks.parquet")),
        actions=actions,
        targets=tuple(_rows(close_dir / "targets.parquet")),
        restatements=restatements,
        has_ranges="at_most" in _columns(close_dir / "values.parquet"),
        members=_members(figures, period),
        dimensions={name: _text_in(label, language) for name, label in definitions.get("dimensions", {}).items()},
        reasons={gap: _text_in(reason, language) for gap, reason in definitions.get("reasons", {}).items()},
        known_through=_known_through(definitions.get("horizons", {})),
    )


def _known_through(horizons: dict[str, dict[str, str | None]]) -> date | None:
    last_days = [horizon["last_day"] for horizon in horizons.values()]
    return max((date.fromisoformat(day) for day in last_days if day), default=None)


def _members(figures: Iterable[Figure], period: Period) -> dict[tuple[str, str], tuple[str, ...]]:
    members_by_breakdown: dict[tuple[str, str], list[str]] = {}
    for figure in figures:
        if figure.period == period.label:
            members_by_breakdown.setdefault((figure.metric, figure.dimension), []).append(figure.member)
    return {breakdown: tuple(members) for breakdown, members in members_by_breakdown.items()}


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _figures(
    path: Path, period: Period, fiscal: FiscalYear, actions: Iterable[Action], restatements: Iterable[dict[str, Any]]
) -> list[Figure]:
    """Read the figures that a page may print.

    These are all figures of the period, and of other periods the ones that a comparison, a chart, an action or a
    restatement needs.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = list(Figure.__dataclass_fields__)
    table = pq.read_table(path)
    # Older closes lack these columns.
    for column in {"at_most", "pending", "longer_than"} - set(table.column_names):
        table = table.append_column(column, pa.nulls(table.num_rows, pa.decimal128(38, 8)))
    table = table.select(columns)
    compared = [period, period.shift(-1, fiscal), period.year_ago(fiscal)]
    compared += [last_over(action.begins, period.grain, fiscal) for action in actions if action.begins]
    compared_labels = pa.array([compared_period.label for compared_period in compared])
    charted_labels = pa.array([charted_period.label for charted_period in periods_to_chart(period, fiscal)])
    restated_ids = pa.array([row["figure_id"] for row in restatements if row.get("figure_id")], pa.string())
    needed = pc.or_(
        pc.or_(
            pc.is_in(table["period"], value_set=compared_labels), pc.is_in(table["figure_id"], value_set=restated_ids)
        ),
        pc.and_(pc.equal(table["dimension"], WHOLE), pc.is_in(table["period"], value_set=charted_labels)),
    )
    return [Figure(*row) for row in _tuples(table.filter(needed))]


def _columns(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def _tuples(table: "pa.Table") -> Iterable[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _metric(entry: dict[str, Any], language: str) -> MetricDefinition:
    terms = (entry.get("expression") or {}).get("terms", ())
    # Older closes name attainment as an aggregate of its own.
    is_attainment = entry["aggregate"] == "attainment" or any(term["at"] == "target" for term in terms)
    return MetricDefinition(
        name=entry["name"],
        label=_text_in(entry["label"], language),
        definition=_text_in(entry["definition"], language),
        formula=_text_in(entry["formula"], language),
        unit=entry["unit"],
        higher_is_better=entry["direction"] == "higher",
        level=entry["level"],
        perspective=entry["perspective"],
        metric_class=entry["metric_class"],
        aggregate=entry["aggregate"],
        owner=entry["owner"],
        drives=tuple(entry["drives"]),
        variant_of=entry["variant_of"],
        caveat=_text_in(entry["caveat"], language) or None,
        journey_stage=entry["journey_stage"],
        is_signed=entry.get("signed", False),
        is_derived=entry["aggregate"] in ("derived", "growth", "attainment"),
        is_attainment=is_attainment,
        settles_after=int(entry.get("parameters", {}).get("grace_days", 0)),
        pending=_forms(entry.get("pending") or {}, language),
    )


def _text_in(texts: dict[str, str] | None, language: str) -> str:
    """Return a text in a language, in English where it is not translated.

    A number and its per cent sign stay on one line.
    """
    text = (texts or {}).get(language) or (texts or {}).get("en") or ""
    return re.sub(r"(?<=\d) (?=%)", "\u00a0", text)


def _forms(forms: dict[str, list[str]], language: str) -> Forms | None:
    frozen_language = language if forms.get(language) else ENGLISH
    return Forms(frozen_language, tuple(forms[frozen_language])) if forms.get(frozen_language) else None


def _check(row: dict[str, Any], language: str) -> Check:
    translation = json.loads(row.get("words") or "{}").get(language, {})
    name = visible(translation.get("name") or row["name"] or "")
    return Check(
        check_id=row["check_id"],
        kind=row["kind"],
        name=name[:1].upper() + name[1:],
        source=visible(row["source"] or ""),
        table=visible(row["object"] or ""),
        severity=row["severity"],
        passed=row["passed"],
        failures=row["failures"] or 0,
        checked=row["checked"] or 0,
        message=visible(translation.get("message") or row["message"] or ""),
        cure=visible(translation.get("cure") or row["cure"] or ""),
        metrics=tuple(row["metrics"] or ()),
    )


def _action(row: dict[str, Any], language: str) -> Action:
    english, others = frozen_words(row, ("what", "expected_effect"))
    words = {**english, **others.get(language, {})}
    return Action(
        metric=row["metric"],
        what=visible(words.get("what", "")),
        who=visible(row["who"] or ""),
        begins=row["from_date"],
        due=row["due"],
        progress=visible(str(row["progress"] if row["progress"] is not None else "")),
        done=row["status"] == "done",
        effect=visible(words.get("expected_effect", "")),
        dimension=row["dimension"] or "company",
        member=row["member"] or "all",
        sample=bool(row["sample"]),
    )
