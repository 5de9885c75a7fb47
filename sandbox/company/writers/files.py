"""The tables as files: CSV, Parquet for the telephony log, Excel for the agencies' weekly reports."""

import csv
from datetime import date
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.company.writers.tables import FileRow

_LOG = pa.schema(
    [
        ("day", pa.date32()),
        ("started_at", pa.timestamp("us", "UTC")),
        ("call_id", pa.string()),
        ("unit", pa.string()),
        ("rep_email", pa.string()),
        ("direction", pa.string()),
        ("connected", pa.bool_()),
        ("seconds", pa.int32()),
    ]
)


def write_tables(tables: dict[str, list[FileRow]], folder: Path, until: date) -> None:
    """Write each table's rows up to a day, that day included; a table that has none yet has no file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        known = [row for row in rows if row["day"] <= until]
        if known:
            _write(folder, name, known)


def _write(folder: Path, name: str, rows: list[FileRow]) -> None:
    if name == "telephony_log":
        pq.write_table(pa.Table.from_pylist(rows, _LOG), folder / f"{name}.parquet")
    elif name == "agency_reports":
        _write_excel(folder / f"{name}.xlsx", rows)
    else:
        _write_csv(folder / f"{name}.csv", rows)


def _write_csv(path: Path, rows: list[FileRow]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_excel(path: Path, rows: list[FileRow]) -> None:
    """A sheet for each agency."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for agency in sorted({row["agency"] for row in rows}):
        sheet = book.create_sheet(agency[:31])
        sheet.append(list(rows[0]))
        for row in rows:
            if row["agency"] == agency:
                sheet.append(list(row.values()))
    book.save(path)
