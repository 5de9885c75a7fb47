"""New files: all of them or none, and never one that exists."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import wrap

from scorecard.extract.contracts.contract import LINE_CONTENT, LINE_KEY, NAME
from scorecard.shared.errors import ScorecardError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./-]*[A-Za-z0-9_./]|[A-Za-z]")
_WIDTH = 120
_SPECIAL = {"yes", "no", "on", "off", "true", "false", "null", "none", "y", "n"}


@dataclass(frozen=True)
class Started:
    """The written files, and the next steps in order; ``to_add``: lines for a file that exists."""

    files: tuple[Path, ...]
    next_steps: tuple[str, ...]
    to_add: tuple[str, ...] = ()


def write_new(files: Mapping[Path, str]) -> tuple[Path, ...]:
    """Write new files; return them. SQL is written as the formatter lays it out.

    Raises
    ------
    ScorecardError: a file exists; nothing was written.
    """
    if existing := [str(path) for path in files if path.exists()]:
        raise ScorecardError(
            f"{', '.join(existing)} exists.", "Nothing was written. Choose another name, or delete the file."
        )
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(laid_out(text) if path.suffix == ".sql" else text, encoding="utf-8")
    return tuple(files)


def laid_out(sql: str) -> str:
    """Return the SQL of a model as the formatter of the project lays it out."""
    from sqlfmt.api import format_string
    from sqlfmt.mode import Mode

    return format_string(sql, Mode(line_length=_WIDTH, no_jinjafmt=True))


def refuse_no_name(name: str, what: str) -> None:
    """Refuse a name that a file or a table can't have.

    Raises
    ------
    ScorecardError: the name can't be used.
    """
    if not NAME.fullmatch(name):
        raise ScorecardError(f"{name!r} can't be the name of a {what}.", "Use lower case, digits and single _.")


@cache
def reserved_words() -> frozenset[str]:
    """Return the words of SQL that can't be a name as they are."""
    import duckdb

    sql = "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    return frozenset(word for (word,) in duckdb.execute(sql).fetchall())


def quoted(text: str) -> str:
    """Return a text as YAML has it: in quotation marks where it must be.

    >>> quoted("Deals"), quoted("no"), quoted("a: b")
    ('Deals', '"no"', '"a: b"')
    """
    plain = _PLAIN.fullmatch(text) and text.lower() not in _SPECIAL
    return text if plain else json.dumps(text, ensure_ascii=False)


def flow(values: Iterable[str]) -> str:
    """Return a list as YAML has it in one line."""
    return f"[{', '.join(map(quoted, values))}]"


def words(name: str) -> str:
    """Return a name as the beginning of a sentence.

    >>> words("orbit_crm")
    'Orbit crm'
    """
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def without_braces(text: str) -> str:
    """Return a text of an export as dbt may have it in SQL and in descriptions, where braces are a template's."""
    return text.replace("{", "(").replace("}", ")")


def comment(text: str, indent: str = "") -> list[str]:
    """Return the lines of a comment of SQL, each as short as linters want it."""
    return wrap(without_braces(text), _WIDTH, initial_indent=f"{indent}-- ", subsequent_indent=f"{indent}-- ")


def columns_yaml(
    columns: Iterable[tuple[str, str, str]], indent: str = "      ", optional: Collection[str] = ()
) -> str:
    """Return dbt's list of columns: name, type and description of each; ``optional``: those that a source may lack."""
    return "".join(
        f"{indent}- {{name: {name}, data_type: {quoted(kind) if ',' not in kind else json.dumps(kind)},"
        f" description: {quoted(description)}{', config: {meta: {optional: true}}' if name in optional else ''}}}\n"
        for name, kind, description in columns
    )


def staging_select(
    source: str, table: str, selected: Sequence[str], key: Sequence[str], kinds: Mapping[str, str]
) -> list[str]:
    """Return the lines of a staging model below its comment.

    Parameters
    ----------
    selected: lines of the select, each with its comma. key: the columns that tell the table's records apart, or
        line_content. kinds: the types of the table's columns by name.
    """
    return [
        "with source as (",
        f"    {{{{ current_rows('{source}', '{table}') }}}}",
        "),",
        "",
        "renamed as (",
        "    select",
        *selected,
        f"        {{{{ provenance('{source}', '{table}', {_record_id(key, kinds)}) }}}}",
        "    from source",
        ")",
        "",
        "select * from renamed",
        "",
    ]


def _record_id(key: Sequence[str], kinds: Mapping[str, str]) -> str:
    """Return the SQL that tells the records of a table apart, in quotation marks for a macro."""
    columns = [LINE_KEY.name if column == LINE_CONTENT else column for column in key]
    texts = [name if kinds.get(name, "varchar") == "varchar" else f"cast({name} as varchar)" for name in columns]
    return f"'{texts[0]}'" if len(texts) == 1 else f"\"concat_ws('|', {', '.join(texts)})\""
