"""Read the rules in ``expectations/``, check them, and fill in their placeholders. Cheap to import."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StrictBool, StringConstraints

from scorecard.catalogue.mistakes import Mistakes, WrongDeclarations
from scorecard.catalogue.validation import Entry, Text, check
from scorecard.catalogue.yaml_files import Place, YamlFile, read_document
from scorecard.checks.results import OfAnySource, Severity
from scorecard.shared.sql import literal

SQL = "unexpected_rows_expectation"
QUERY = "unexpected_rows_query"
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$")]
ColumnName = Annotated[str, StringConstraints(strict=True, pattern=r"^([a-z][a-z0-9_]*\.)?[a-z][a-z0-9_]*$")]


class RuleEntry(Entry):
    """A rule in its file."""

    check: Name = Field(description="Its name, unique in its object.")
    expect: Text = Field(description="An expectation of Great Expectations.")
    kwargs: dict[Text, Any] = Field(description="The expectation's arguments; <name> stands for a value.")
    severity: Severity
    why: Text = Field(description="Why it matters.")
    cure: Text = Field(description="What to do.")
    in_doubt: tuple[ColumnName, ...] = Field(
        (), description="The columns that a failure puts in doubt; by default all columns that the rule names."
    )
    found: Text | None = Field(None, description="The sentence about a failure.")
    facts: Text | None = Field(None, description="A query of one row whose columns `found` names.")
    whole: StrictBool = Field(False, description="The rule is about all rows together.")
    instead_of: OfAnySource | None = Field(None, description="The check of every source that this rule replaces.")


class ObjectEntry(Entry):
    """An object and its rules in their file."""

    key: tuple[Text, ...] = Field((), description="The columns that identify a row.")
    unit: Text | None = Field(None, description="The column with a row's business unit.")
    rules: tuple[RuleEntry, ...]


class RulesFile(Entry):
    """A file of rules: what must hold for the current rows of each object."""

    objects: dict[Name, ObjectEntry]


@dataclass(frozen=True)
class Rule:
    """One expectation, ready to run.

    check: a name, unique in its object.
    expect: the expectation's type.
    kwargs: its arguments, placeholders filled in.
    in_doubt: the columns that a failure puts in doubt, as ``column`` of the object, or ``table.column`` of another
        object or of a core model; empty for the columns that the expectation names.
    found: the sentence about a failure. It may name ``{failures}``, ``{checked}`` and the columns of ``facts``.
    facts: a query of one row.
    whole: the rule is about all rows together, so that no rows are counted.
    instead_of: the check of every source that this rule replaces.
    """

    check: str
    expect: str
    kwargs: Mapping[str, Any]
    severity: Severity
    why: str
    cure: str
    in_doubt: tuple[str, ...]
    found: str | None
    facts: str | None
    whole: bool = False
    instead_of: str | None = None


@dataclass(frozen=True)
class CheckedTable:
    """An object and its rules, ready to run.

    query: a select of its current rows. key: the columns that identify a row. unit: the column with a row's business
    unit; None if all rows are of one unit.
    """

    name: str
    query: str
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    unit: str | None = None


@dataclass(frozen=True)
class Suite:
    """The rules of one file."""

    name: str
    objects: tuple[CheckedTable, ...]


def read_suite(path: Path, values: Mapping[str, object], queries: Mapping[str, str] | None = None) -> Suite:
    """Read a file of rules.

    Parameters
    ----------
    values: by name, the value of ``<name>`` in arguments and queries. An argument that is exactly ``<name>`` becomes
        the value itself, which may be a list. ``<object>`` stands for an object's current rows.
    queries: the query of each object; by default the current rows of ``raw_<suite>.<object>``.

    Raises
    ------
    WrongDeclarations: it lists all mistakes in the file.
    """
    mistakes = Mistakes()
    document = read_document(path)
    file = check(document, RulesFile, mistakes)
    suite = None if file is None else _suite(document, file, values, queries, mistakes)
    if suite is None or len(mistakes):
        raise WrongDeclarations(mistakes.all())
    return suite


def _suite(
    document: YamlFile,
    file: RulesFile,
    values: Mapping[str, object],
    queries: Mapping[str, str] | None,
    mistakes: Mistakes,
) -> Suite:
    name = document.path.stem
    selects = queries or {table: f"select * from raw_{name}.{table} where _valid_to is null" for table in file.objects}
    filled = {**values, **{table: f"({select})" for table, select in selects.items()}}
    objects = []
    for table, entry in file.objects.items():
        if table not in selects:
            line = document.line("objects", table)
            mistakes.note(
                document.path, line, f"There is no object {table} to check.", f"Choose one of: {', '.join(selects)}."
            )
            continue
        _note_repeated(document, table, entry, mistakes)
        if queries:
            _note_doubts(document, table, entry, mistakes)
        rules = tuple(
            _rule(item, _Filler(document, ("objects", table, "rules", place), filled, mistakes))
            for place, item in enumerate(entry.rules)
        )
        objects.append(CheckedTable(table, selects[table], entry.key, rules, entry.unit))
    return Suite(name, tuple(objects))


def _note_repeated(document: YamlFile, table: str, entry: ObjectEntry, mistakes: Mistakes) -> None:
    names: set[str] = set()
    for place, rule in enumerate(entry.rules):
        if rule.check in names:
            line = document.line("objects", table, "rules", place, "check")
            mistakes.note(
                document.path, line, f"Duplicate check {rule.check} in {table}.", "Give each check its own name."
            )
        names.add(rule.check)


def _note_doubts(document: YamlFile, table: str, entry: ObjectEntry, mistakes: Mistakes) -> None:
    for place, rule in enumerate(entry.rules):
        if rule.in_doubt:
            line = document.line("objects", table, "rules", place, "in_doubt")
            problem = "`in_doubt` has no effect here: a failure touches the metrics whose rows break the rule."
            mistakes.note(document.path, line, problem, "Delete it.")


def _rule(item: RuleEntry, fill: "_Filler") -> Rule:
    return Rule(
        check=item.check,
        expect=item.expect,
        kwargs={key: fill(value, "kwargs", key) for key, value in item.kwargs.items()},
        severity=item.severity,
        why=" ".join(item.why.split()),
        cure=" ".join(item.cure.split()),
        in_doubt=item.in_doubt,
        found=None if item.found is None else " ".join(item.found.split()),
        facts=None if item.facts is None else fill(item.facts, "facts"),
        whole=item.whole,
        instead_of=item.instead_of,
    )


@dataclass(frozen=True)
class _Filler:
    """Replaces ``<name>`` by its value in a rule of a file."""

    document: YamlFile
    place: Place
    values: Mapping[str, object]
    mistakes: Mistakes

    def __call__(self, value: Any, *key: str) -> Any:
        """Return the value of a key of the rule, filled in. Note each unknown name."""
        if isinstance(value, list):
            return [self(item, *key) for item in value]
        if not isinstance(value, str):
            return value
        if (whole := re.fullmatch(r"<(\w+)>", value)) and whole[1] in self.values:
            return self.values[whole[1]]

        def put(match: "re.Match[str]") -> str:
            if match[1] in self.values:
                return _sql(self.values[match[1]])
            problem = f"Unknown name <{match[1]}>."
            line = self.document.line(*self.place, *key)
            self.mistakes.note(self.document.path, line, problem, f"Choose one of: {', '.join(self.values)}.")
            return match[0]

        return re.sub(r"<([a-z]\w*)>", put, value)


def _sql(value: object) -> str:
    """Return the SQL of a value: the literals of a list, null for an empty list, a text unchanged."""
    if isinstance(value, Collection) and not isinstance(value, str):
        return ", ".join(literal(item) for item in value) or "null"
    return str(value)
