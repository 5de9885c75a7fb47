"""The checks and actions that differ between two editions of a close."""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from scorecard.closes.renamed import Name
from scorecard.shared.languages import frozen_words

_ACTION = ("metric", "who", "from_date", "due", "progress", "status", "dimension", "member")
_WORDS = ("what", "expected_effect")
Row = dict[str, Any]


def check_differences(before: Path, now: Path) -> Iterator[Row]:
    """Yield the checks of which another outcome is printed; how many rows of all times break one is not the outcome."""
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
    """Return what a reader knows of a failed check; of one that passed or was not run, nothing is printed."""
    return None if check is None or check["passed"] else (check["severity"], tuple(sorted(check["metrics"] or ())))


def _word(check: Row | None) -> str | None:
    return None if check is None else "passed" if check["passed"] else "failed"


def action_differences(before: Path, now: Path, names: Collection[Name] = ()) -> Iterator[Row]:
    """Yield the actions of which a reader sees something else, in pairs by metric, words and person."""
    both = [_action_rows(folder, names) for folder in (before, now)]
    # A language that only one of them has is no difference: its scorecard had it anew, or its words came later.
    languages = set.intersection(*({code for _, _, words in rows for code in words} for rows in both))
    old, new = (_listed_actions(rows, languages) for rows in both)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            words = {"old": key[1] if key in old else None, "new": key[1] if key in new else None}
            yield {"field": "action", "metric": key[0], **words, "seen": True}


_ActionRow = tuple[Row, dict[str, str], dict[str, dict[str, str]]]
"""An action: its columns, its words in English, and by other languages."""


def _action_rows(folder: Path, names: Collection[Name]) -> list[_ActionRow]:
    called = {(field, spelling): name for field, spelling, name in names}
    rows = [
        {**row, "member": called.get((row["dimension"], row["member"]), row["member"])}
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
    """Compare numbers by value, whatever digits their type keeps."""
    return text_of(value.normalize()) if isinstance(value, Decimal) else value


def text_of(value: object) -> str | None:
    """Return a value as text, None of n/a."""
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
