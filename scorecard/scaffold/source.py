"""`scorecard new source`: the declaration of a source and the staging models of what it delivers."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from scorecard.catalogue import Concept, business_units, read_concepts
from scorecard.extract.contracts.contract import LINE_CONTENT, NAME
from scorecard.extract.files.cells import snake_case
from scorecard.scaffold.guess import Guess, GuessedColumn, guess
from scorecard.scaffold.matching import delivered_concept, staging_model
from scorecard.scaffold.table import read_table
from scorecard.scaffold.writing import Started, flow, quoted, refuse_no_name, without_braces, words, write_new
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings


def start_source(
    settings: Settings,
    name: str,
    exports: Sequence[Path],
    concept: str | None = None,
    unit: str | None = None,
    currency: str | None = None,
) -> Started:
    """Write the first files of a source, guessed from its exports.

    Parameters
    ----------
    exports: a file for each raw table. concept: what the only one delivers; guessed if it is left out.
    unit, currency: of its records; marked as to do if they are left out and the exports don't say.

    Of a source that is declared already, the tables of the exports are returned as lines to be added to its file.

    Raises
    ------
    ScorecardError: the name can't be used, an export can't be read, a concept is none, or a file is there already.
    """
    refuse_no_name(name, "source")
    concepts = read_concepts(settings.dbt_project / "models")
    guesses = _guesses(exports)
    delivers = _delivers(concepts, guesses, concept)
    folder = settings.dbt_project / "models" / "staging" / name
    files: dict[Path, str] = {}
    for table, delivered in delivers.items():
        stem = folder / f"stg_{name}__{delivered.name}"
        sql, listed = staging_model(name, table, guesses[table][1], delivered)
        files |= {stem.with_suffix(".sql"): sql, stem.with_suffix(".yml"): listed}
    steps = _next_steps(settings, name, guesses, delivers)
    declaration = folder / "_sources.yml"
    if declaration.exists():
        lines = [line for table, (path, guessed) in guesses.items() for line in _table(table, path, guessed)]
        steps = (f"Add the lines above below `tables:` in {declaration}.", *steps)
        return Started(write_new(files), steps, tuple(lines))
    text = _declaration(settings, name, guesses, list(delivers.values()), unit, currency)
    return Started(write_new({declaration: text, **files}), steps)


def _guesses(exports: Sequence[Path]) -> dict[str, tuple[Path, Guess]]:
    """Return each export with what is guessed of it, by the name of its table."""
    by_table = {
        _table_name(path): [other for other in exports if _table_name(other) == _table_name(path)] for path in exports
    }
    for table, paths in by_table.items():
        if len(paths) > 1:
            raise ScorecardError(
                f"The exports {', '.join(map(str, paths))} would all fill the table {table}.",
                "Rename all but one of them.",
            )
    return {table: (path, guess(read_table(path))) for table, (path,) in by_table.items()}


def _delivers(
    concepts: Mapping[str, Concept], guesses: Mapping[str, tuple[Path, Guess]], concept: str | None
) -> dict[str, Concept]:
    """Return the concept that a table delivers, by the table's name; no two deliver the same one."""
    if concept and concept not in concepts:
        raise ScorecardError(f"There is no concept {concept}.", f"Choose one of: {', '.join(concepts)}.")
    if concept and len(guesses) > 1:
        raise ScorecardError("--concept is given for several exports.", "Leave it out: it is guessed for each.")
    delivers: dict[str, Concept] = {}
    for table, (_, guessed) in guesses.items():
        delivered = concepts[concept] if concept else delivered_concept(table, guessed, concepts)
        if delivered and delivered not in delivers.values():
            delivers[table] = delivered
    return delivers


def _table_name(path: Path) -> str:
    name = snake_case(path.stem)
    return name if NAME.fullmatch(name) else "export"


def _declaration(
    settings: Settings,
    name: str,
    guesses: dict[str, tuple[Path, Guess]],
    concepts: Sequence[Concept],
    unit: str | None,
    currency: str | None,
) -> str:
    roles = {concept.meta.role for concept in concepts if concept.meta.role}
    currencies = {guessed.currency for _, guessed in guesses.values() if guessed.currency}
    chosen = currency or (currencies.pop() if len(currencies) == 1 else "")
    lines = [
        "# Written by `scorecard new source`, as the exports look. Read it once, and change what is not so.",
        "version: 2",
        "",
        "sources:",
        f"  - name: {name}",
        f"    schema: raw_{name}",
        f"    description: {quoted(f'{words(name)}, as exports in the folder {name}.')}",
        "    config:",
        "      meta:",
    ]
    if not unit:
        others = ", ".join(sorted(business_units(settings))) or "none yet"
        lines.append(f"        # To do: whose records these are. Business units there are: {others}.")
    lines.append(f"        business_unit: {quoted(unit or words(name))}")
    if not chosen:
        lines.append(
            "        # To do: the currency of records that name none. The exports don't say; this is the company's."
        )
    lines.append(f"        currency: {chosen or settings.currency}")
    if len(roles) == 1:
        lines.append(f"        role: {roles.pop()}")
    else:
        lines.append("        # role: crm, billing or support, if it is one of these")
    lines.append("    tables:")
    for table, (path, guessed) in guesses.items():
        lines += _table(table, path, guessed)
    return "\n".join(lines) + "\n"


def _table(table: str, path: Path, guessed: Guess) -> list[str]:
    lines = [
        f"      - name: {table}",
        f"        description: {quoted(f'One row per record of {path.name}.')}",
        "        config:",
        "          meta:",
        f"            file: {quoted(path.name)}",
        *(f"            # To do: {note}" for note in guessed.notes),
    ]
    is_keyless = guessed.key == (LINE_CONTENT,)
    lines.append(f"            primary_key: {LINE_CONTENT if is_keyless else flow(guessed.key)}")
    lines.append(
        "            # true: the file has every record: what is gone from it was deleted. false: it adds and changes."
    )
    lines.append("            full_export: true")
    for key, value in guessed.formats.items():
        lines.append(f"            {key}: {json.dumps(value, ensure_ascii=False)}")
    lines.append("        columns:")
    for column in guessed.columns:
        lines += [f"          # To do: {column.name}. {note}" for note in column.notes]
        lines.append(f"          - {_column(column)}")
    return lines


def _column(column: GuessedColumn) -> str:
    kind = json.dumps(column.data_type) if "," in column.data_type else column.data_type
    meta = []
    if snake_case(column.header) != column.name:
        meta.append(f"header: {quoted(column.header)}")
    if column.date_format:
        meta.append(f"date_format: {json.dumps(column.date_format)}")
    config = f", config: {{meta: {{{', '.join(meta)}}}}}" if meta else ""
    description = f"{without_braces(column.header.strip()) or column.name}, as the source has it."
    return f"{{name: {column.name}, data_type: {kind}, description: {quoted(description)}{config}}}"


def _next_steps(
    settings: Settings, name: str, guesses: dict[str, tuple[Path, Guess]], delivers: dict[str, Concept]
) -> tuple[str, ...]:
    folder = settings.data / name
    steps = [
        f"mkdir -p {shlex.quote(str(folder))} && cp {shlex.quote(str(path))} {shlex.quote(str(folder))}/"
        for path, _ in guesses.values()
        if path.resolve().parent != folder.resolve()
    ]
    steps.append("Read the new files, and do what their lines with `To do` say.")
    for table in guesses:
        if table not in delivers:
            steps.append(f"{table} is no concept there is: scorecard new fact NAME --source {name}.{table}")
    return (*steps, "scorecard check", f"scorecard extract {name}", "scorecard build")
