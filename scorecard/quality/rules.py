"""The rules in ``expectations/``: read, checked, and made ready to run. Cheap to import."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from scorecard.catalogue import read_yaml
from scorecard.errors import ScorecardError
from scorecard.keys import refuse_unknown
from scorecard.quality.results import Severity

_RULE = {"check", "expect", "kwargs", "severity", "why", "cure"}
_RULE_MAY = {"metrics", "found", "facts", "whole"}
# A rule's words in another language, under its code.
_WORDS = {"name", "found", "why", "cure"}
_LANGUAGE = re.compile(r"[a-z]{2}")
_SLUG = re.compile(r"[a-z][a-z0-9_]*")
SQL = "unexpected_rows_expectation"
QUERY = "unexpected_rows_query"


@dataclass(frozen=True)
class Rule:
    """One expectation.

    check: a name, unique in its object. expect: the expectation's type. kwargs: its arguments, placeholders
    filled.
    metrics: what a failure touches, where that is less than all that is made from the object. found: the
    sentence said of a failure, with ``{failures}``, ``{checked}`` and the columns of ``facts``, a query of
    one row. whole: it is about all rows together, so that nobody counts those that break it. words: by language,
    the check's name, found, why and cure.
    """

    check: str
    expect: str
    kwargs: Mapping[str, Any]
    severity: Severity
    why: str
    cure: str
    metrics: tuple[str, ...] | None
    found: str | None
    facts: str | None
    whole: bool = False
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """An object and its rules.

    query: a select of its current rows. key: the columns that tell them apart. unit: the column that says of which
    business unit a row is; None where all are of one.
    """

    name: str
    query: str
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    unit: str | None = None


@dataclass(frozen=True)
class Suite:
    """What one file of rules says."""

    name: str
    objects: tuple[Checked, ...]


def read_suite(path: Path, values: Mapping[str, object], queries: Mapping[str, str] | None = None) -> Suite:
    """Read a file of rules.

    Parameters
    ----------
    values: what to put in the place of ``<name>`` in arguments and queries; an argument that is nothing but
        ``<name>`` becomes the value itself, so it may be a list. ``<object>`` stands for an object's current
        rows.
    queries: the query of each object, where it isn't the current rows of ``raw_<suite>.<object>``.

    Raises
    ------
    ScorecardError: a rule lacks a field, has one too many, or repeats a name.
    """
    name = path.stem
    content = read_yaml(path)
    given = content.get("objects")
    if not isinstance(given, dict):
        raise ScorecardError(f"{path} has no objects.", "Write `objects:` and under it the rules of each object.")
    refuse_unknown(content, {"objects"}, str(path))
    selects = queries or {
        table: f"select * from raw_{name}.{_slug(path, table)} where _valid_to is null"  # noqa: S608
        for table in given
    }
    filled = {**values, **{table: f"({select})" for table, select in selects.items()}}
    objects = []
    for table, entry in given.items():
        if table not in selects:
            raise ScorecardError(
                f"{path} has rules for {table}, which is not there.", f"Choose one of: {', '.join(selects)}."
            )
        refuse_unknown(entry, {"key", "unit", "rules"}, f"{path}, {table}")
        rules = tuple(_rule(path, table, item, filled) for item in entry["rules"])
        checks = [rule.check for rule in rules]
        if repeated := sorted({check for check in checks if checks.count(check) > 1}):
            raise ScorecardError(
                f"{path} has {', '.join(repeated)} twice under {table}.", "Give each rule its own name."
            )
        objects.append(Checked(table, selects[table], tuple(entry.get("key", ())), rules, entry.get("unit")))
    return Suite(name, tuple(objects))


def _rule(path: Path, table: str, item: Any, values: Mapping[str, object]) -> Rule:
    here = f"{path}, {table}, {item.get('check', item) if isinstance(item, dict) else item}"
    languages = {key for key in item if _LANGUAGE.fullmatch(str(key))} if isinstance(item, dict) else set()
    if not isinstance(item, dict) or not set(item) >= _RULE:
        raise ScorecardError(
            f"{here}: a rule needs {', '.join(sorted(_RULE))} and may have {', '.join(sorted(_RULE_MAY))}.",
            "Add what is missing.",
        )
    refuse_unknown(item, {*_RULE, *_RULE_MAY, *languages}, here)
    if item["severity"] not in ("error", "warning"):
        raise ScorecardError(f"{here}: severity is {item['severity']!r}.", "Write error or warning.")
    metrics = item.get("metrics")
    return Rule(
        check=_slug(path, item["check"]),
        expect=item["expect"],
        kwargs={key: _filled(here, value, values) for key, value in item["kwargs"].items()},
        severity=cast(Severity, item["severity"]),
        why=" ".join(item["why"].split()),
        cure=" ".join(item["cure"].split()),
        metrics=None if metrics is None else tuple(metrics),
        found=item.get("found"),
        facts=_filled(here, item["facts"], values) if "facts" in item else None,
        whole=bool(item.get("whole", False)),
        words={language: _words(here, language, item[language]) for language in sorted(languages)},
    )


def _words(here: str, language: str, said: Any) -> Mapping[str, str]:
    if not isinstance(said, dict) or not {"name", "why", "cure"} <= set(said):
        raise ScorecardError(
            f"{here}: {language} needs name, why and cure, and may have found.",
            "Add what is missing.",
        )
    refuse_unknown(said, _WORDS, f"{here}: {language}")
    return {key: " ".join(str(text).split()) for key, text in said.items()}


def _filled(here: str, value: Any, values: Mapping[str, object]) -> Any:
    if isinstance(value, list):
        return [_filled(here, item, values) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := re.fullmatch(r"<(\w+)>", value)) and whole[1] in values:
        return values[whole[1]]

    def put(match: "re.Match[str]") -> str:
        if match[1] not in values:
            raise ScorecardError(f"{here}: <{match[1]}> stands for nothing.", f"Choose one of: {', '.join(values)}.")
        return _sql(values[match[1]])

    return re.sub(r"<([a-z]\w*)>", put, value)


def _sql(value: object) -> str:
    """Return a value as it stands in a query: a list as literals (never an empty one), text as it is."""
    if isinstance(value, Collection) and not isinstance(value, str):
        return ", ".join("'" + str(item).replace("'", "''") + "'" for item in value) or "null"
    return str(value)


def _slug(path: Path, name: str) -> str:
    if not _SLUG.fullmatch(name):
        raise ScorecardError(f"{path} has the name {name!r}.", "Use small letters, digits and underscores.")
    return name
