"""The types of raw columns follow the contract."""

from pathlib import Path

from scorecard.extract.contracts.contract import SourceContract
from scorecard.extract.raw.validate import ValidatedTable
from scorecard.extract.raw.warehouse_file import Types, is_damaged, open_warehouse
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import quoted


def retype(path: Path, source: SourceContract, validated: list[ValidatedTable], types: Types) -> None:
    """Change raw columns to the types of their contract; dlt would add a second column.

    Raises
    ------
    ScorecardError: a value that the table holds can't be of the new type.
    """
    import duckdb

    changes = [
        (table.contract, column, held)
        for table in validated
        for column in table.columns
        if (held := types.get(table.contract.name, {}).get(column.name)) and held != _spelled(column.stored)
    ]
    if not changes:
        return
    with open_warehouse(path, read_only=False) as db:
        for contract, column, held in changes:
            table = f"{source.schema}.{quoted(contract.name)}"
            try:
                db.execute(f"alter table {table} alter {quoted(column.name)} type {column.stored}")
            except duckdb.Error as error:
                if is_damaged(error):
                    raise
                raise ScorecardError(
                    f"The column {column.name} of {source.schema}.{contract.name} is {held} and holds values that"
                    f" are no {column.data_type}: {str(error).splitlines()[0]}.",
                    f"In {contract.declared_in}, keep its old type, or give the column a new name and"
                    f" config.meta.header: {column.header}.",
                ) from error


def _spelled(data_type: str) -> str:
    """Spell a type of a contract as DuckDB's catalogue does."""
    return "timestamp with time zone" if data_type == "timestamptz" else data_type.replace(", ", ",")
