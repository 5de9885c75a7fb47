"""Reads the folder of a close, once. Nothing else of rendering opens a file of data."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scorecard.pdf.page.close_data import WHOLE, Action, Check, Close, Metric, Value, spark_periods, words
from scorecard.pdf.page.fonts import visible
from scorecard.shared.errors import ScorecardError
from scorecard.shared.languages import ENGLISH, Forms, frozen_words
from scorecard.shared.periods import FiscalYear, Period, last_over, parse_period

if TYPE_CHECKING:
    import pyarrow as pa


def read_close(close_dir: Path, language: str) -> Close:
    """Read a close folder.

    Raises
    ------
    ScorecardError: a file is missing or is not what the contract of closes says.
    """
    try:
        manifest = _json(close_dir / "manifest.json")
        definitions = _json(close_dir / "definitions.json")
        settings = definitions["settings"]
        fiscal = FiscalYear.of_close(settings)
        period = parse_period(manifest["period"], fiscal)
        actions = tuple(_action(row, language) for row in _rows(close_dir / "actions.parquet"))
        restatements = tuple(_json(close_dir / "restatements.json"))
        values = {
            (value.metric, value.period, value.dimension, value.member): value
            for value in _values(close_dir / "values.parquet", period, fiscal, actions, restatements)
        }
        return Close(
            close_id=manifest["close_id"],
            edition=manifest["edition"],
            content_sha256=manifest["content_sha256"],
            scorecard=definitions["scorecard"],
            manifest=manifest,
            language=language,
            currency=settings["currency"],
            fiscal=fiscal,
            period=period,
            metrics={name: _metric(entry, language) for name, entry in definitions["metrics"].items()},
            values=values,
            checks=tuple(_check(row, language) for row in _rows(close_dir / "checks.parquet")),
            actions=actions,
            targets=tuple(_rows(close_dir / "targets.parquet")),
            restatements=restatements,
            has_ranges="at_most" in _columns(close_dir / "values.parquet"),
            members=_members(values.values(), period),
            dimensions={name: words(label, language) for name, label in definitions.get("dimensions", {}).items()},
            reasons={gap: words(reason, language) for gap, reason in definitions.get("reasons", {}).items()},
            known_through=_known_through(definitions.get("horizons", {})),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ScorecardError(
            f"The close in {close_dir} can't be read: {type(error).__name__}: {error}.",
            "Run `scorecard verify`, and restore the folder from a backup if it is broken.",
        ) from error


def _known_through(horizons: dict[str, dict[str, str | None]]) -> date | None:
    return max((date.fromisoformat(each["last_day"]) for each in horizons.values() if each["last_day"]), default=None)


def _members(values: Iterable[Value], period: Period) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], list[str]] = {}
    for value in values:
        if value.period == period.label:
            found.setdefault((value.metric, value.dimension), []).append(value.member)
    return {key: tuple(members) for key, members in found.items()}


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _values(
    path: Path, period: Period, fiscal: FiscalYear, actions: Iterable[Action], restatements: Iterable[dict[str, Any]]
) -> list[Value]:
    """Read the figures that can be printed: all of the period, and of others those a page names or a change needs."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = list(Value.__dataclass_fields__)
    table = pq.read_table(path)
    # Closes of before know no range, and no median of which too many records wait.
    for column in (column for column in ("at_most", "pending", "longer_than") if column not in table.column_names):
        table = table.append_column(column, pa.nulls(table.num_rows, pa.decimal128(38, 8)))
    table = table.select(columns)
    compared = [period, period.shift(-1, fiscal), period.year_ago(fiscal)]
    compared += [last_over(action.begins, period.grain, fiscal) for action in actions if action.begins]
    near = pa.array([each.label for each in compared])
    charted = pa.array([each.label for each in spark_periods(period, fiscal)])
    named = pa.array([row["figure_id"] for row in restatements if row.get("figure_id")], pa.string())
    needed = pc.or_(
        pc.or_(pc.is_in(table["period"], value_set=near), pc.is_in(table["figure_id"], value_set=named)),
        pc.and_(pc.equal(table["dimension"], WHOLE), pc.is_in(table["period"], value_set=charted)),
    )
    return [Value(*row) for row in _tuples(table.filter(needed))]


def _columns(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def _tuples(table: "pa.Table") -> Iterable[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _metric(entry: dict[str, Any], language: str) -> Metric:
    terms = (entry.get("expression") or {}).get("terms", ())
    # Closes of before name two kinds of derived metrics.
    is_attainment = entry["aggregate"] == "attainment" or any(term["at"] == "target" for term in terms)
    return Metric(
        name=entry["name"],
        label=words(entry["label"], language),
        definition=words(entry["definition"], language),
        formula=words(entry["formula"], language),
        unit=entry["unit"],
        higher_is_better=entry["direction"] == "higher",
        level=entry["level"],
        perspective=entry["perspective"],
        metric_class=entry["metric_class"],
        aggregate=entry["aggregate"],
        owner=entry["owner"],
        drives=tuple(entry["drives"]),
        variant_of=entry["variant_of"],
        caveat=words(entry["caveat"], language) or None,
        journey_stage=entry["journey_stage"],
        is_signed=entry.get("signed", False),
        is_derived=entry["aggregate"] in ("derived", "growth", "attainment"),
        is_attainment=is_attainment,
        settles_after=int(entry.get("parameters", {}).get("grace_days", 0)),
        pending=_forms(entry.get("pending") or {}, language),
    )


def _forms(words: dict[str, list[str]], language: str) -> Forms | None:
    frozen = language if words.get(language) else ENGLISH
    return Forms(frozen, tuple(words[frozen])) if words.get(frozen) else None


def _check(row: dict[str, Any], language: str) -> Check:
    said = json.loads(row.get("words") or "{}").get(language, {})
    name = visible(said.get("name") or row["name"] or "")
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
        message=visible(said.get("message") or row["message"] or ""),
        cure=visible(said.get("cure") or row["cure"] or ""),
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
