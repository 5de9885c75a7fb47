"""What a reader sees differently in two editions of a close: indicators, breakdowns, figures, checks and actions."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from scorecard.closes.compared_editions import Name
from scorecard.shared.languages import frozen_words
from scorecard.shared.periods import CALENDAR_YEAR, FiscalYear, Period, last_over

_ACTION = ("metric", "who", "from_date", "due", "progress", "status", "dimension", "member")
_WORDS = ("what", "expected_effect")
Row = dict[str, Any]


@dataclass(frozen=True)
class Periods:
    """The periods of a close: its own, its bases (those it is compared with), and those of its charts."""

    own: Period
    bases: Sequence[Period]
    charted: Sequence[Period]
    fiscal: FiscalYear = CALENDAR_YEAR

    @property
    def labels(self) -> frozenset[str]:
        """The labels of the periods that every edition has. Figures of other periods are there for actions."""
        return frozenset(period.label for period in (self.own, *self.bases, *self.charted))


@dataclass(frozen=True)
class Shown:
    """What the pages of an edition may print.

    metrics: those with figures of the whole unit. breakdowns: pairs of metric and dimension. compared: the figures that
    actions are compared with, as (metric, period, dimension, member).
    """

    metrics: frozenset[str]
    breakdowns: frozenset[tuple[str, str]]
    compared: frozenset[tuple[str, str, str, str]]


def shown_by(folder: Path, periods: Periods) -> Shown:
    """Return what the pages of an edition may print."""
    scorecard = json.loads((folder / "definitions.json").read_bytes())["scorecard"]
    pairs = [
        (pair["metric"], pair["dimension"]) if isinstance(pair, dict) else (pair[0], pair[1])
        for pair in scorecard["breakdowns"]
    ]
    actions = pq.read_table(folder / "actions.parquet", columns=["metric", "dimension", "member", "from_date"])
    compared = [
        (row["metric"], last_over(row["from_date"], periods.own.grain, periods.fiscal).label, *_member(row))
        for row in actions.to_pylist()
        if row["from_date"]
    ]
    return Shown(frozenset(scorecard["metrics"]), frozenset(pairs), frozenset(compared))


def _member(row: Row) -> tuple[str, str]:
    return (row["dimension"], row["member"])


def composition_differences(old: Shown, new: Shown) -> Iterator[Row]:
    """Yield the indicators and the breakdowns that only one of the editions shows."""
    for metric in sorted(old.metrics ^ new.metrics):
        yield _one_sided("indicator", metric, None, metric in new.metrics)
    for metric, dimension in sorted(old.breakdowns ^ new.breakdowns):
        yield _one_sided("breakdown", metric, dimension, (metric, dimension) in new.breakdowns)


def _one_sided(field: str, metric: str, dimension: str | None, is_new: bool) -> Row:
    old, new = (None, "shown") if is_new else ("shown", None)
    return {"field": field, "metric": metric, "dimension": dimension, "old": old, "new": new, "seen": True}


def is_seen(row: Row, shown: Sequence[Shown], periods: Periods) -> bool:
    """Whether a reader sees a figure in either edition.

    The pages print the whole unit's figures of all periods, and the breakdowns of the period and its bases. The
    attached table has every figure of the period. An action is compared with the figure before it began.

    Parameters
    ----------
    row: the figure, with in_old and in_new. shown: what the old and the new edition show.
    """
    editions = (row["in_old"], row["in_new"])
    if all(editions) and row["period"] == periods.own.label:
        return True
    return any(has and _is_printed(row, edition, periods) for edition, has in zip(shown, editions, strict=True))


def _is_printed(figure: Row, shown: Shown, periods: Periods) -> bool:
    if (figure["metric"], figure["period"], *_member(figure)) in shown.compared:
        return True
    near = {period.label for period in (periods.own, *periods.bases)}
    charted = {period.label for period in periods.charted}
    if figure["dimension"] == "business_unit":
        return figure["metric"] in shown.metrics and figure["period"] in near | charted
    return (figure["metric"], figure["dimension"]) in shown.breakdowns and figure["period"] in near


def check_differences(before: Path, now: Path) -> Iterator[Row]:
    """Yield the checks with another printed outcome. The number of broken rows is not part of the outcome."""
    old, new = (_outcomes(folder) for folder in (before, now))
    for check_id in sorted(old.keys() | new.keys()):
        outcomes = [edition.get(check_id) for edition in (old, new)]
        failed = [outcome for outcome in outcomes if outcome and not outcome["passed"]]
        if not failed or _outcome(outcomes[0]) == _outcome(outcomes[1]):
            continue
        yield {
            "field": "check",
            "metric": None,
            "check_id": check_id,
            "name": failed[-1]["name"],
            "old": _word(outcomes[0]),
            "new": _word(outcomes[1]),
            "seen": True,
        }


def _outcomes(folder: Path) -> dict[str, Row]:
    columns = ["check_id", "name", "severity", "passed", "metrics"]
    return {row["check_id"]: row for row in pq.read_table(folder / "checks.parquet", columns=columns).to_pylist()}


def _outcome(check: Row | None) -> tuple[object, ...] | None:
    """Return what the pages print of a failed check. They print nothing of a passed one or of one that did not run."""
    return None if check is None or check["passed"] else (check["severity"], tuple(sorted(check["metrics"] or ())))


def _word(check: Row | None) -> str | None:
    return None if check is None else "passed" if check["passed"] else "failed"


def action_differences(before: Path, now: Path, names: Collection[Name] = ()) -> Iterator[Row]:
    """Yield the actions that a reader sees differently. Metric, words and person identify an action.

    Parameters
    ----------
    names: the present names of renamed members.
    """
    both = [_action_rows(folder, names) for folder in (before, now)]
    # A language that only one edition has is no difference: the scorecard or its translations came later.
    languages = set.intersection(*({code for _, _, words in rows for code in words} for rows in both))
    old, new = (_listed_actions(rows, languages) for rows in both)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            words = {"old": key[1] if key in old else None, "new": key[1] if key in new else None}
            yield {"field": "action", "metric": key[0], **words, "seen": True}


_ActionRow = tuple[Row, dict[str, str], dict[str, dict[str, str]]]
"""An action: its columns, its words in English, and by other languages."""


def _action_rows(folder: Path, names: Collection[Name]) -> list[_ActionRow]:
    present = {(field, former): name for field, former, name in names}
    rows = [
        {**row, "member": present.get((row["dimension"], row["member"]), row["member"])}
        for row in pq.read_table(folder / "actions.parquet").to_pylist()
    ]
    return [(row, *frozen_words(row, _WORDS)) for row in rows]


def _listed_actions(rows: Sequence[_ActionRow], languages: set[str]) -> dict[tuple[str, ...], list[str]]:
    lines_by_key: dict[tuple[str, ...], list[str]] = {}
    for row, english, words in rows:
        key = (str(row["metric"]), english.get("what", ""), str(row["who"]))
        others = sorted((language, sorted(texts.items())) for language, texts in words.items() if language in languages)
        plain = [_plain(row.get(name)) for name in _ACTION]
        lines_by_key.setdefault(key, []).append(repr([*plain, sorted(english.items()), others]))
    return {key: sorted(lines) for key, lines in lines_by_key.items()}


def _plain(value: object) -> object:
    """Return a number without trailing zeros, so that equal numbers compare as equal."""
    return text_of(value.normalize()) if isinstance(value, Decimal) else value


def text_of(value: object) -> str | None:
    """Return a value as text; None for n/a."""
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
