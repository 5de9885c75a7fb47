"""The raw tables of a source in the attached warehouse."""

from dataclasses import dataclass

from scorecard.extract.contracts.contract import ObjectContract
from scorecard.extract.raw.warehouse_file import Types
from scorecard.shared.sql import quoted


@dataclass(frozen=True)
class RawTables:
    """The raw tables of a schema; the warehouse is attached as ``warehouse``. ``types``: of the columns, by table."""

    schema: str
    types: Types

    def columns(self, contract: ObjectContract) -> dict[str, str]:
        """Return the types of the columns that a raw table has, by name."""
        return self.types.get(contract.name, {})

    def has_versions(self, contract: ObjectContract) -> bool:
        """Whether the warehouse holds versions of the records of a raw table."""
        return "_valid_to" in self.columns(contract)

    def has(self, name: str) -> bool:
        """Whether the schema has a table."""
        return name in self.types

    def named(self, name: str) -> str:
        """SQL name of a table."""
        return f"warehouse.{self.schema}.{quoted(name)}"

    def current(self, contract: ObjectContract) -> str:
        """SQL of the current rows of a raw table."""
        return f"(from {self.named(contract.name)} where _valid_to is null)"
