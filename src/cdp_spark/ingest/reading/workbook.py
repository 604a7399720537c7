"""Workbooks (.xlsx): the first visible sheet with a header and rows, as text.

The header is the first row that is about as full as those below it. Days are ISO dates, whole numbers have no point;
a cell of an error (`#NAME?`) is its text.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from cdp_spark.errors import DataError
from cdp_spark.ingest.reading.batch import MAX_ROWS, ReadBatch, rejected_table
from cdp_spark.ingest.reading.dialect import number_doubles
from cdp_spark.ingest.reading.files import file_uri, open_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_LOOKED_AT = 300
_HEADER_WITHIN = 40
_LARGEST_WHOLE = 2.0**53


class Sheet(NamedTuple):
    """Where the rows of a workbook stand.

    Args:
        name: of the sheet.
        names: of the columns.
        skipped: rows up to the header, with it.
        others: names of the other sheets.
    """

    name: str
    names: tuple[str, ...]
    skipped: int
    others: tuple[str, ...]


def is_workbook(file: Path) -> bool:
    """Tell whether a file is a zip that holds a workbook."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.startswith("xl/workbook.") for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def find_sheet(file: Path, name: str | None = None) -> Sheet:
    """Find the sheet that holds the rows, and its header.

    Args:
        file: a workbook, or a packed one.
        name: of the sheet; None takes the first visible one with a header and a row.

    Raises:
        DataError: the workbook cannot be read, or has no such sheet.
    """
    book = _open(file)
    try:
        names = tuple(book.sheetnames)
        for title in names if name is None else (name,):
            if title not in names:
                raise DataError(f"file {file}", got=f"no sheet {title}", allowed=", ".join(names))
            if name is None and book[title].sheet_state != "visible":
                continue
            header = _find_header([*islice(_rows(book[title]), _LOOKED_AT)])
            if header is not None:
                at, cells = header
                return Sheet(title, _named(cells), at + 1, tuple(it for it in names if it != title))
    finally:
        book.close()
    fix = "put the columns' names in a row above the rows, or save the sheet as CSV"
    raise DataError(f"file {file}", got="no sheet with a header and rows", fix=fix)


def read_sheet(file: Path, sheet: Sheet) -> Iterator[ReadBatch]:
    """Read a sheet's rows as text; empty ones are left out.

    Raises:
        DataError: the workbook cannot be read.
    """
    book = _open(file)
    width = len(sheet.names)
    try:
        rows = (row for row in islice(_rows(book[sheet.name]), sheet.skipped, None) if any(row))
        while batch := list(islice(rows, MAX_ROWS)):
            padded = [(row + [None] * width)[:width] for row in batch]
            columns = [pa.array(cells, pa.string()) for cells in zip(*padded, strict=True)]
            yield ReadBatch(pa.Table.from_arrays(columns, list(sheet.names)), rejected_table([]), file_uri(file))
    finally:
        book.close()


def _open(file: Path) -> Any:  # noqa: ANN401 - openpyxl has no types
    from openpyxl import load_workbook  # noqa: PLC0415 - a quarter of a second that other files need not wait

    try:
        opened = io.BytesIO(file.read_bytes() if is_workbook(file) else open_bytes(file).read())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that no cell's value needs
            return load_workbook(opened, read_only=True, data_only=True)
    except Exception as error:  # whatever a broken workbook makes the library raise
        got = f"a workbook that cannot be read ({type(error).__name__})"
        fix = "open it in a spreadsheet and save it anew, as .xlsx or as CSV UTF-8"
        raise DataError(f"file {file}", got=got, fix=fix) from None


def _rows(sheet: Any) -> Iterator[list[str | None]]:  # noqa: ANN401
    sheet.reset_dimensions()  # which some programs write wrong
    for row in sheet.iter_rows(values_only=True):
        cells = list(map(_text, row))
        while cells and cells[-1] is None:
            cells.pop()
        yield cells


def _find_header(rows: Sequence[list[str | None]]) -> tuple[int, list[str | None]] | None:
    """Return the place and the cells of the header; None where no row stands below it."""
    fullness = sorted(len(row) - row.count(None) for row in rows if any(row))
    usual = fullness[len(fullness) // 2] if fullness else 0
    for at, row in enumerate(rows[:_HEADER_WITHIN]):
        if len(row) - row.count(None) >= max(1, usual / 2) and any(map(any, rows[at + 1 :])):
            width = max(map(len, rows[at:]))
            return at, row + [None] * (width - len(row))
    return None


def _named(cells: Sequence[str | None]) -> tuple[str, ...]:
    return number_doubles([(cell or "").strip() or f"_c{at}" for at, cell in enumerate(cells)])


def _text(value: Any) -> str | None:  # noqa: ANN401
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, (date, time)) else str(value)
