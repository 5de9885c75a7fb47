"""A Parquet file as text cells, each value written exactly."""

import io
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

from scorecard.extract.files.cells import Bounds, Cells, columns_of, empty_file, too_large
from scorecard.extract.files.originals import ExportFile
from scorecard.shared.errors import ScorecardError
from scorecard.shared.sql import first_line, literal

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS, BATCH_BYTES = 50_000, 16 << 20
"""Rows that are decoded at once, and bytes of text that are unpacked at once."""


def read_parquet(cells: Cells, file: ExportFile) -> None:
    """Read a Parquet file into the cells; `_line` is the number of the row, from 1.

    Raises
    ------
    ScorecardError: the file isn't Parquet or is damaged or too large, or a declared column is binary.
    """
    import duckdb
    import pyarrow as pa

    with file.open() as opened:
        size = opened.seek(0, io.SEEK_END)
        if not size:
            raise empty_file(file.name)
        try:
            read = _read(cells, file.name, opened)
        except (pa.ArrowException, OSError, duckdb.Error) as error:
            raise ScorecardError(
                f"{file.name} cannot be read as Parquet: {first_line(error)}.",
                "Export it again and copy all of it; the warehouse was left as it was.",
            ) from error
    cells.end(file, size, read)


def _read(cells: Cells, source_file: str, file: IO[bytes]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file.seek(0)
    schema = pq.ParquetFile(file).schema_arrow
    cells.begin(schema.names, source_file)
    _refuse_binary(cells, schema, source_file)
    point = cells.contract.formats.decimal_separator
    texts = [_text(f"_c{i}", field.type, point) for i, field in enumerate(schema)]
    read = 0
    for batch in _batches(file, cells.bounds, source_file):
        # Names may differ only by case, which DuckDB ignores.
        named = pa.Table.from_batches([batch]).rename_columns([f"_c{i}" for i in range(len(schema))])
        lines = pa.array(range(read + 1, read + len(named) + 1), pa.int64())
        cells.db.register("batch", named.append_column("_line", lines))
        cells.add("batch", texts)
        cells.db.unregister("batch")
        read += len(named)
    return read


def _batches(file: IO[bytes], bounds: Bounds, source_file: str) -> "Iterator[pa.RecordBatch]":
    """Yield the rows in batches; texts stay dictionary-encoded, as in the file.

    Raises
    ------
    ScorecardError: there are too many cells, or characters in them.
    """
    import pyarrow.parquet as pq

    leaves = pq.ParquetFile(file).schema
    columns = [leaves.column(i) for i in range(len(leaves))]
    parquet = pq.ParquetFile(
        file, read_dictionary=[column.path for column in columns if column.physical_type == "BYTE_ARRAY"]
    )
    groups = [parquet.metadata.row_group(i) for i in range(parquet.metadata.num_row_groups)]
    if sum(group.column(i).num_values for group in groups for i in range(group.num_columns)) > bounds.cells:
        raise too_large(source_file, "cells", bounds)
    left = bounds.text
    for batch in parquet.iter_batches(batch_size=BATCH_ROWS):
        size = sum(map(_characters, batch.columns))
        left -= size
        if left < 0:
            raise too_large(source_file, "text", bounds)
        rows = max(1, len(batch) * BATCH_BYTES // max(size, BATCH_BYTES))
        yield from (batch.slice(start, rows) for start in range(0, len(batch), rows))


def _characters(column: "pa.Array") -> int:
    """Count the bytes of the texts in a column, without unpacking it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        lengths = pc.binary_length(column.dictionary)
        return pc.sum(lengths.take(column.indices)).as_py() or 0
    if pa.types.is_map(column.type):
        return _characters(column.keys) + _characters(column.items)
    if pa.types.is_struct(column.type):
        return sum(map(_characters, column.flatten()))
    return _characters(column.flatten()) if pa.types.is_nested(column.type) else 0


def _text(name: str, kind: "pa.DataType", point: str) -> str:
    """SQL of a value as text: a nested one as JSON, any other exactly as DuckDB writes it, but with this `point`."""
    import pyarrow as pa

    if pa.types.is_nested(kind):
        return f"to_json({name})::varchar"
    has_point = pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return f"replace({name}::varchar, '.', {literal(point)})" if has_point and point != "." else f"{name}::varchar"


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
