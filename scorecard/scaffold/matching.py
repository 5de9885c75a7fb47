"""Which concept an export delivers, and the staging model that renames its columns to those of the concept."""

from collections.abc import Mapping

from scorecard.catalogue import Concept, ConceptColumn
from scorecard.catalogue.column_types import fits, plain_type
from scorecard.scaffold.guess import Guess, GuessedColumn
from scorecard.scaffold.writing import columns_yaml, comment, staging_select
from scorecard.shared.sql import literal

_FEW = 12
"""Values of a column that are mapped one by one."""


def delivered_concept(table: str, guessed: Guess, concepts: Mapping[str, Concept]) -> Concept | None:
    """Return the concept that a table delivers by its name and its columns; None where none fits."""
    best, most = None, 0.0
    for concept in concepts.values():
        matched = matches(guessed, concept)
        required = [name for name, column in concept.columns.items() if not column.config.meta.optional]
        share = sum(name in matched for name in required) / max(len(required), 1)
        is_named = table in (concept.name, *concept.meta.known_as)
        score = share + len(matched) / len(concept.columns) + is_named
        fitting = share >= 0.5 and (is_named or len(matched) >= 3)
        if fitting and score > most:
            best, most = concept, score
    return best


def matches(guessed: Guess, concept: Concept) -> dict[str, GuessedColumn]:
    """Return by column of a concept the column of an export with its name."""
    names = {column.name: column for column in guessed.columns}
    names = {column.header.strip().lower(): column for column in guessed.columns} | names
    matched: dict[str, GuessedColumn] = {}
    for name, column in concept.columns.items():
        for other in (name, *column.config.meta.known_as):
            if other in names and _as_type(names[other], column.data_type):
                matched[name] = names[other]
                break
    return matched


def staging_model(source: str, table: str, guessed: Guess, concept: Concept) -> tuple[str, str]:
    """Return the SQL and the YAML of the staging model by which a table delivers a concept."""
    matched = matches(guessed, concept)
    selected = []
    listed = []
    for name, column in concept.columns.items():
        if name in matched:
            selected.append(_selected(name, column, matched[name]))
        elif column.config.meta.optional:
            continue
        else:
            note = f"To do: {name}. {column.description} No column of the export is called so."
            selected += comment(note, " " * 8)
            selected.append(f"        cast(null as {column.data_type}) as {name},")
        listed.append((name, column.data_type, column.description))
    kinds = {column.name: column.data_type for column in guessed.columns}
    unused = [column.name for column in guessed.columns if column not in matched.values()]
    left_out = comment(f"Not used: {', '.join(unused)}.") if unused else []
    sql = "\n".join(
        [
            f"-- One row per record of {table}. Written by `scorecard new source`: change what is not so.",
            *left_out,
            *staging_select(source, table, selected, guessed.key, kinds),
        ]
    )
    listed += [(column.name, column.data_type, column.description) for column in concept.provenance]
    return sql, model_yaml(f"stg_{source}__{concept.name}", f"One row per record of {table}.", listed)


def model_yaml(name: str, description: str, columns: list[tuple[str, str, str]]) -> str:
    """Return the YAML of a model with these columns: name, type, description."""
    head = f"models:\n  - name: {name}\n    description: {description}\n    columns:\n"
    return head + columns_yaml(columns)


def _selected(name: str, wanted: ConceptColumn, column: GuessedColumn) -> str:
    """Return a line of a select, or several where the concept has values of its own."""
    text = _as_type(column, wanted.data_type)
    values = sorted(set(column.values))
    if wanted.config.meta.means and len(values) <= _FEW:
        return _mapped(name, wanted, column.name, values)
    return f"        {text} as {name}," if text != name else f"        {name},"


def _mapped(name: str, wanted: ConceptColumn, column: str, values: list[str]) -> str:
    means = wanted.config.meta.means
    lines = [f"        case {column}"]
    known = set()
    for value in values:
        for meaning, writings in means.items():
            if value.lower() in (meaning, *map(str.lower, writings)):
                known.add(meaning)
                lines.append(f"            when {literal(value)} then '{meaning}'")
    for meaning in means:
        if meaning not in known:
            note = f"To do: no value of {column} is known to mean {meaning}: {', '.join(values)}."
            lines = [*comment(note, " " * 8), *lines]
    if not known:
        return "\n".join([*lines[:-1], f"        {column} as {name},"])
    return "\n".join([*lines, f"            else {column}", f"        end as {name},"])


def _as_type(column: GuessedColumn, wanted: str) -> str:
    """Return the SQL of a column cast to another type; "" where no cast is possible."""
    kind, wanted = plain_type(column.data_type), plain_type(wanted)
    if kind == wanted or fits(kind, wanted) or (kind.startswith("decimal(18,") and wanted.startswith("decimal")):
        return column.name
    number = ("integer", "bigint", "double")
    if wanted == "varchar" and kind != "timestamptz":
        return f"cast({column.name} as varchar)"
    if wanted == "date" and kind in ("timestamp", "timestamptz"):
        return f"{{{{ local_day('{column.name}') }}}}" if kind == "timestamptz" else f"cast({column.name} as date)"
    if wanted == "timestamptz" and kind in ("timestamp", "date"):
        return f"{{{{ moment_of('cast({column.name} as timestamp)') }}}}"
    if wanted.startswith(("decimal", "bigint", "integer")) and (kind in number or kind.startswith("decimal")):
        return f"cast({column.name} as {wanted})"
    return ""
