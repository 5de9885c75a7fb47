"""A Parquet file as text cells, each value written exactly."""

from typing import IO, TYPE_CHECKING

from scorecard.errors import ScorecardError
from scorecard.sources.cells import Cells, Part, columns_of, empty, hash_of
from scorecard.sources.text import first_line

if TYPE_CHECKING:
    import pyarrow as pa

TOGETHER = 50_000
"""Rows that are decoded at once."""


def read_parquet(cells: Cells, part: Part) -> None:
    """Read a Parquet file into the cells; `_line` is the place of the row, from 1.

    Raises
    ------
    ScorecardError: the file is no Parquet or is damaged, or a declared column is no text.
    """
    import duckdb
    import pyarrow as pa

    with part.open() as file:
        sha256, size = hash_of(file)
        if not size:
            raise empty(part.name)
        try:
            read = _read(cells, part.name, file)
        except (pa.ArrowException, OSError, duckdb.Error) as error:
            raise ScorecardError(
                f"{part.name} cannot be read as Parquet: {first_line(error)}.",
                "Export it again and copy all of it; the warehouse was left as it was.",
            ) from error
    cells.end(part.name, sha256, size, read)


def _read(cells: Cells, source_file: str, file: IO[bytes]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file.seek(0)
    parquet = pq.ParquetFile(file)
    schema = parquet.schema_arrow
    cells.begin(schema.names, source_file)
    _refuse_binary(cells, schema, source_file)
    point = cells.contract.formats.decimal_separator
    texts = [_text(f"_c{i}", field.type, point) for i, field in enumerate(schema)]
    read = 0
    for batch in parquet.iter_batches(batch_size=TOGETHER):
        # Names could be the same but for their case, which DuckDB doesn't tell apart.
        named = pa.Table.from_batches([batch]).rename_columns([f"_c{i}" for i in range(len(schema))])
        lines = pa.array(range(read + 1, read + len(named) + 1), pa.int64())
        cells.db.register("batch", named.append_column("_line", lines))
        cells.add("batch", texts)
        cells.db.unregister("batch")
        read += len(named)
    return read


def _text(name: str, kind: "pa.DataType", point: str) -> str:
    """SQL of a value as text: nested ones as JSON, all others exactly as DuckDB writes them, but for their `point`."""
    import pyarrow as pa

    if pa.types.is_nested(kind):
        return f"to_json({name})::varchar"
    has_point = pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return f"replace({name}::varchar, '.', '{point}')" if has_point and point != "." else f"{name}::varchar"


def _refuse_binary(cells: Cells, schema: "pa.Schema", source_file: str) -> None:
    import pyarrow as pa

    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    for field, column in zip(schema, columns_of(schema.names, cells.contract, source_file), strict=True):
        if column and any(is_it(field.type) for is_it in binary):
            raise ScorecardError(
                f"The column {field.name} of {source_file} is binary, which is no text.",
                "Export it as a string (UTF8), or take it out of the contract in"
                f" {cells.contract.declared_in} and out of the staging model beside it.",
            )
