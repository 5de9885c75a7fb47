"""`scorecard new fact`: a concept of one's own, the model that delivers it, and the fact that is made of it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from scorecard.catalogue import load_dimensions, read_concepts
from scorecard.extract import load_contracts
from scorecard.extract.contracts.contract import Column, ObjectContract, SourceContract
from scorecard.scaffold.core import PROVENANCE, UNIT, Listed, NewFact, core_sql, core_yaml
from scorecard.scaffold.money import CURRENCY, Money, money_of
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
from scorecard.shared.errors import ScorecardError
from scorecard.shared.settings import Settings

_CURRENCY: Listed = (CURRENCY, "varchar", "ISO 4217 code; that of the source where a record names none.")
_DAYS = ("date", "timestamp", "timestamptz")


def start_fact(
    settings: Settings, name: str, source: str, table: str, dimensions: Sequence[str] = (), moment: str | None = None
) -> Started:
    """Write the first files of a fact that has a row for every record of a raw table.

    Parameters
    ----------
    name: of one record, as `call`. dimensions: columns of the table that break figures down.
    moment: the column of the day that puts a record in a period; the first of days if it is left out.

    Raises
    ------
    ScorecardError: the name can't be used, there is no such table or column, or a file is there already.
    """
    refuse_no_name(name, "fact")
    declared, contract = _contract(settings, source, table)
    place, columns = f"{source}.{table}", {column.name: column for column in contract.columns}
    if unknown := [column for column in dimensions if column not in columns]:
        raise ScorecardError(f"{place} has no column {', '.join(unknown)}.", f"Name its columns: {', '.join(columns)}.")
    concept = _plural(name)
    if concept in read_concepts(settings.dbt_project / "models"):
        raise ScorecardError(f"There is a concept {concept}.", "Deliver it from the source, or choose another name.")
    known = {*load_dimensions(settings)}
    cut_by = tuple(dict.fromkeys([*dimensions, *(column for column in columns if column in known)]))
    day = _moment(columns.values(), moment, place)
    money = money_of(contract, bool(declared.currency or declared.service), cut_by)
    fact = NewFact(name, concept, _listed_columns(contract, money), cut_by, day, money)
    files = _models(settings, fact, source, contract)
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


def _listed_columns(contract: ObjectContract, money: Money) -> tuple[Listed, ...]:
    """Return the columns of the fact: those of the table, and the currency of its amounts where the table has none."""
    listed = tuple(_listed(column, money) for column in contract.columns)
    has_currency = any(column.name == CURRENCY for column in contract.columns)
    return listed if has_currency or not money.amounts else (*listed, _CURRENCY)


def _models(settings: Settings, fact: NewFact, source: str, contract: ObjectContract) -> dict[Path, str]:
    """Return the text of each file of the models: the concept, the source's staging, the fact."""
    models, concept, name = settings.dbt_project / "models", fact.concept, fact.name
    of_concept = models / "intermediate" / "concepts" / f"int_{concept}"
    staging = models / "staging" / source / f"stg_{source}__{concept}"
    core = models / "core" / f"core_{name}"
    # The concept takes the currency of the source where its table has none.
    is_of_source = bool(fact.money.amounts) and not fact.money.currency
    optional = (CURRENCY,) if is_of_source else ()
    delivered = [column for column in fact.columns if column[0] not in optional]
    return {
        of_concept.with_suffix(".sql"): f"-- One row per {words(name).lower()}.\n{{{{ concept('{concept}') }}}}\n",
        of_concept.with_suffix(".yml"): _yaml(f"int_{concept}", name, [*fact.columns, UNIT, *PROVENANCE], optional),
        staging.with_suffix(".sql"): _staging(source, contract, fact.money),
        staging.with_suffix(".yml"): _yaml(f"stg_{source}__{concept}", name, [*delivered, *PROVENANCE]),
        core.with_suffix(".sql"): core_sql(fact),
        core.with_suffix(".yml"): core_yaml(fact),
    }


def _contract(settings: Settings, source: str, table: str) -> tuple[SourceContract, ObjectContract]:
    contracts = load_contracts(settings)
    if source not in contracts:
        raise ScorecardError(f"There is no source {source}.", f"Choose one of: {', '.join(contracts) or 'none'}.")
    tables = {declared.name: declared for declared in contracts[source].objects}
    if table not in tables:
        raise ScorecardError(f"The source {source} has no table {table}.", f"Choose one of: {', '.join(tables)}.")
    return contracts[source], tables[table]


def _moment(columns: Iterable[Column], wanted: str | None, where: str) -> str:
    days = [column.name for column in columns if column.data_type in _DAYS]
    if not days:
        raise ScorecardError(f"{where} has no column of days, so no figure has a period.", "Declare one as a date.")
    if wanted and wanted not in days:
        raise ScorecardError(f"{where} has no column {wanted} of days.", f"Choose one of: {', '.join(days)}.")
    return wanted or days[0]


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") and name[-2:-1] not in "aeiou" else f"{name}s"


def _listed(column: Column, money: Money) -> Listed:
    """Return a column as the models list it: moments become the company's days."""
    if money.amounts and column.name == CURRENCY:
        return _CURRENCY
    kind = "date" if column.data_type in _DAYS else column.stored
    return column.name, kind, f"{without_braces(column.header)}, as the source has it."


def _yaml(model: str, name: str, columns: Sequence[Listed], optional: Sequence[str] = ()) -> str:
    head = f"models:\n  - name: {model}\n    description: One row per {words(name).lower()}.\n    columns:\n"
    return head + columns_yaml(columns, optional=optional)


def _staging(source: str, contract: ObjectContract, money: Money) -> str:
    kinds = {column.name: column.data_type for column in contract.columns}
    currency = f"upper({money.currency}) as {CURRENCY}" if money.currency else ""
    selected = [currency if currency and column.name == CURRENCY else _as_day(column) for column in contract.columns]
    if currency and CURRENCY not in kinds:
        selected.append(currency)
    return "\n".join(
        [
            f"-- One row per record of {contract.name}. Written by `scorecard new fact`: change what is not so.",
            *staging_select(
                source, contract.name, [f"        {line}," for line in selected], contract.primary_key, kinds
            ),
        ]
    )


def _as_day(column: Column) -> str:
    if column.data_type == "timestamptz":
        return f"{{{{ local_day('{column.name}') }}}} as {column.name}"
    return f"cast({column.name} as date) as {column.name}" if column.data_type == "timestamp" else column.name


def _dimensions(names: Sequence[str]) -> str:
    entries = "".join(f"  - name: {name}\n    label: {quoted(words(name))}\n" for name in names)
    return (
        "# Written by `scorecard new fact`. `within: <dimension>` says that each member is part of one of another.\n"
        f"dimensions:\n{entries}"
    )
