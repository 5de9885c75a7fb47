"""`scorecard new fact`: a concept of one's own, the model that delivers it, and the fact that is made of it."""

from collections.abc import Iterable, Sequence

from scorecard.catalogue import load_dimensions, read_concepts
from scorecard.errors import ScorecardError
from scorecard.scaffold.writing import (
    Started,
    columns_yaml,
    quoted,
    refuse_no_name,
    staging_select,
    without_braces,
    words,
    write_new,
)
from scorecard.settings import Settings
from scorecard.sources import load_contracts
from scorecard.sources.contract import Column, ObjectContract

Listed = tuple[str, str, str]
"""A column of a model: its name, its type and its description."""

_PROVENANCE: tuple[Listed, ...] = (
    ("source_system", "varchar", "Source that the record came from."),
    ("source_object", "varchar", "Object of the source."),
    ("record_id", "varchar", "The record's id in its source."),
    ("source_file", "varchar", "File that brought the row, relative to the data folder."),
    ("source_line", "bigint", "Line of that file at which the record begins, from 1."),
    ("source_sha256", "varchar", "Hash of that version of the file."),
    ("loaded_at", "timestamptz", "Moment of the load that brought this version of the record."),
)
_UNIT: Listed = ("business_unit", "varchar", "Business unit of the group, as the source declares it.")
_OUTCOMES = ("outcome", "result", "status", "state")
_DAYS = ("date", "timestamp", "timestamptz")


def start_fact(
    settings: Settings, name: str, source: str, table: str, dimensions: Sequence[str] = (), moment: str | None = None
) -> Started:
    """Write the starting files of a fact that has a row for every record of a raw table.

    Parameters
    ----------
    name: of one record, as `call`. dimensions: columns of the table whose values figures can be cut by.
    moment: the column of the day that puts a record in a period; the first of days if it is left out.

    Raises
    ------
    ScorecardError: the name can't be used, there is no such table or column, or a file is there already.
    """
    refuse_no_name(name, "fact")
    contract = _contract(settings, source, table)
    columns = {column.name: column for column in contract.columns}
    day = _moment(columns.values(), moment, f"{source}.{table}")
    if unknown := [column for column in dimensions if column not in columns]:
        raise ScorecardError(f"{source}.{table} has no {', '.join(unknown)}.", f"Choose of: {', '.join(columns)}.")
    models, concept = settings.dbt_project / "models", _plural(name)
    if concept in read_concepts(models):
        raise ScorecardError(f"There is a concept {concept}.", "Deliver it from the source, or choose another name.")
    listed = [_listed(column) for column in columns.values()]
    of_concept = models / "intermediate" / "concepts" / f"int_{concept}"
    staging = models / "staging" / source / f"stg_{source}__{concept}"
    core = models / "core" / f"core_{name}"
    known = {*load_dimensions(settings)}
    cut_by = [*dict.fromkeys([*dimensions, *(column for column in columns if column in known)])]
    files = {
        of_concept.with_suffix(".sql"): f"-- One row per {words(name).lower()}.\n{{{{ concept('{concept}') }}}}\n",
        of_concept.with_suffix(".yml"): _yaml(f"int_{concept}", name, [*listed, _UNIT, *_PROVENANCE]),
        staging.with_suffix(".sql"): _staging(source, table, contract),
        staging.with_suffix(".yml"): _yaml(f"stg_{source}__{concept}", name, [*listed, *_PROVENANCE]),
        core.with_suffix(".sql"): _core(name, concept, [column for column, _, _ in listed], cut_by),
        core.with_suffix(".yml"): _core_yaml(name, concept, listed, cut_by, day),
    }
    if new := [column for column in dimensions if column not in known]:
        files[settings.dbt_project / "dimensions" / f"{name}.yml"] = _dimensions(new)
    return Started(
        write_new(files),
        (
            "Read the new files, and do what their lines with `To do` say.",
            "scorecard check",
            f"scorecard new metric {concept} --fact core_{name}",
            "scorecard build",
        ),
    )


def _contract(settings: Settings, source: str, table: str) -> ObjectContract:
    contracts = load_contracts(settings)
    if source not in contracts:
        raise ScorecardError(f"There is no source {source}.", f"Choose one of: {', '.join(contracts) or 'none'}.")
    tables = {each.name: each for each in contracts[source].objects}
    if table not in tables:
        raise ScorecardError(f"The source {source} has no table {table}.", f"Choose one of: {', '.join(tables)}.")
    return tables[table]


def _moment(columns: Iterable[Column], wanted: str | None, where: str) -> str:
    days = [column.name for column in columns if column.data_type in _DAYS]
    if not days:
        raise ScorecardError(f"{where} has no column of days, so no figure has a period.", "Declare one as a date.")
    if wanted and wanted not in days:
        raise ScorecardError(f"{where} has no column {wanted} of days.", f"Choose one of: {', '.join(days)}.")
    return wanted or days[0]


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2:-1] not in "aeiou" else f"{name}s"


def _listed(column: Column) -> Listed:
    """Return a column as the models list it: moments become the company's days."""
    kind = "date" if column.data_type in _DAYS else column.stored
    return column.name, kind, f"{without_braces(column.header)}, as the source has it."


def _yaml(model: str, name: str, columns: Sequence[Listed]) -> str:
    head = f"models:\n  - name: {model}\n    description: One row per {words(name).lower()}.\n    columns:\n"
    return head + columns_yaml(columns)


def _staging(source: str, table: str, contract: ObjectContract) -> str:
    kinds = {column.name: column.data_type for column in contract.columns}
    selected = [f"        {_as_day(column)}," for column in contract.columns]
    return "\n".join(
        [
            f"-- One row per record of {table}. Written by `scorecard new fact`: change what is not so.",
            *staging_select(source, table, selected, contract.primary_key, kinds),
        ]
    )


def _as_day(column: Column) -> str:
    if column.data_type == "timestamptz":
        return f"{{{{ local_day('{column.name}') }}}} as {column.name}"
    return f"cast({column.name} as date) as {column.name}" if column.data_type == "timestamp" else column.name


def _core(name: str, concept: str, columns: Sequence[str], dimensions: Sequence[str]) -> str:
    selected = [f"coalesce({column}, 'unknown') as {column}" if column in dimensions else column for column in columns]
    lines = [
        f"source_system || ':' || record_id as {name}_key",
        "business_unit",
        *selected,
        *(column for column, _, _ in _PROVENANCE),
    ]
    text = ",\n".join(f"    {line}" for line in lines)
    return (
        f"-- One row per {words(name).lower()}. Written by `scorecard new fact`: change what is not so.\n"
        f"select\n{text}\nfrom {{{{ ref('int_{concept}') }}}}\n"
    )


def _core_yaml(name: str, concept: str, columns: Sequence[Listed], dimensions: Sequence[str], day: str) -> str:
    said = dict.fromkeys(dimensions, "'unknown' where the source doesn't say.")
    listed = [
        (column, kind, f"{words(column)}; {said[column]}" if column in said else text) for column, kind, text in columns
    ]
    key = f"{words(name)}, unique over all source systems."
    test = ""
    if dimensions:
        first = dimensions[0]
        test = f"""
unit_tests:
  - name: core_{name}_without_{first}_is_of_an_unknown_one
    description: A record without {first} counts, as that of an unknown one.
    model: core_{name}
    given: [{{input: ref('int_{concept}'), rows: [{{source_system: desk, record_id: a, {first}: null}}]}}]
    expect: {{rows: [{{{name}_key: "desk:a", {first}: unknown}}]}}
"""
    outcome = next((column for column in dimensions if column in _OUTCOMES), None)
    ended = (
        f"        # How a record ended: if all end alike, a check says so.\n        outcome: {outcome}\n"
        if outcome
        else ""
    )
    return f"""models:
  - name: core_{name}
    description: One row per {words(name).lower()}.
    config:
      meta:
        concept: {concept}
        # Days on which something happened to a record. To do: add others that the record has, in their order.
        horizon: [{day}]
        moment: {day}
{ended}    columns:
      - {{name: {name}_key, data_type: varchar, description: {quoted(key)}, data_tests: [unique, not_null]}}
{columns_yaml([_UNIT, *listed, *_PROVENANCE])}{test}"""


def _dimensions(names: Sequence[str]) -> str:
    entries = "".join(f"  - name: {name}\n    label: {quoted(words(name))}\n" for name in names)
    return (
        "# Written by `scorecard new fact`. `within: <dimension>` says that each member is part of one of another.\n"
        f"dimensions:\n{entries}"
    )
