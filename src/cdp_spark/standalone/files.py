"""Read files into this process as tables of texts, up to a limit of rows and memory.

What a file is, its bytes say, not its suffix: Parquet, a workbook, or text, each of them packed or not. How text is
written is found out (`ingest/reading/sniff`), unless the command's options say it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark.errors import CdpError, DataError
from cdp_spark.ingest.reading import open_files
from cdp_spark.ingest.reading.files import packing_of, read_blocks
from cdp_spark.ingest.reading.sniff import Written, sniff
from cdp_spark.ingest.reading.workbook import find_sheet, is_workbook
from cdp_spark.limits import in_process_records, in_process_text_bytes
from cdp_spark.normalise.text import is_wide
from cdp_spark.standalone.keys import Texts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from cdp_spark.ingest.reading import Reading

_SUFFIXES_OF_TEXT = "CSV, JSON, Parquet or a workbook (.xlsx); also as .gz, or alone in a .zip"
_NOT_READ = {
    b"\xd0\xcf\x11\xe0": ("a workbook of the old kind (.xls)", "save it as .xlsx or as CSV UTF-8"),
    b"%PDF": ("a PDF", "export the table as CSV or .xlsx"),
    b"ARROW1": ("an Arrow file", "write it as Parquet"),
    b"Obj\x01": ("an Avro file", "write it as Parquet or CSV"),
    b"ORC": ("an ORC file", "write it as Parquet or CSV"),
    b"SQLite format": ("a database of SQLite", "export the table as CSV"),
}
"""First bytes of what is often given, what it is, and what to do."""
_MARKUP = re.compile(rb"\s*<(!doctype|html|table|\?xml|style|meta)", re.IGNORECASE)
_OPTIONS = {"options.encoding": "--encoding", "options.delimiter": "--delimiter"}
"""What errors of the readers tell to set, and what the command calls it."""


class TooLargeError(DataError):
    """Files hold more than this process can match; Spark can."""


@dataclass(frozen=True)
class Input:
    """A file to be read.

    Args:
        name: of the source.
        path: of the file.
        options: what is known of how it is written: `encoding`, `delimiter`, `skipLines`, `sheet`.
    """

    name: str
    path: Path
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Budget:
    """What this process may still hold; counted down as batches come in.

    Args:
        rows: left.
        text_bytes: left.
    """

    rows: int
    text_bytes: int

    def take(self, batch: pa.Table, where: str) -> None:
        """Count a batch.

        Raises:
            TooLargeError: it is one too many.
        """
        self.rows -= batch.num_rows
        self.text_bytes -= batch.nbytes
        if self.rows < 0 or self.text_bytes < 0:
            raise too_large(where)


def too_large(where: str) -> TooLargeError:
    """Say that files hold more than this process can match, and what to do."""
    return TooLargeError(
        where,
        got="more than this process can match",
        allowed=f"{in_process_records():,} rows and {in_process_text_bytes() / 2**20:,.0f} MiB of text on this machine",
        fix="install Spark (pip install 'cdp-spark[spark]', and Java 17 or newer) and run it again with --engine spark",
    )


def name_inputs(paths: Sequence[str], options: Mapping[str, str] | None = None) -> list[Input]:
    """Name each file's source after it.

    Args:
        paths: of the files.
        options: what is known of how all of them are written.
    """
    found: dict[str, Input] = {}
    for text in paths:
        path = Path(text)
        stem = re.sub(r"[^a-z0-9]+", "_", path.name.split(".")[0].lower()).strip("_")
        name = _unused(stem if stem[:1].isalpha() else f"file_{stem}", found)
        found[name] = Input(name, path, options or {})
    return list(found.values())


def read_inputs(inputs: Sequence[Input]) -> list[Texts]:
    """Read files whole.

    Raises:
        DataError: a file is missing, empty or cannot be read.
        TooLargeError: they hold more rows or bytes than this process may.
    """
    budget = _Budget(in_process_records(), in_process_text_bytes())
    return [_read(given, open_input(given), budget) for given in inputs]


def open_input(given: Input) -> Reading:
    """Find out how a file is written, and open it.

    Raises:
        DataError: nothing is there, or nothing that can be read.
    """
    path = given.path.absolute()
    if not path.is_file() or path.stat().st_size == 0:
        got = "a folder" if path.is_dir() else "an empty file" if path.exists() else "nothing there"
        fix = "name the files in it" if path.is_dir() else "check the path"
        raise DataError(str(given.path), got=got, allowed="a file with a header and rows", fix=fix)
    try:
        written = find_written(path, given)
        reading = open_files([path], format=written.format, options=written.options)
    except CdpError as error:
        raise _of_command(error, str(given.path)) from None
    if reading is None:
        raise DataError(str(given.path), got="no header", allowed="a header and rows", fix="check the file")
    return replace(reading, notes=written.notes)


def find_written(path: Path, given: Input) -> Written:
    """Find out how a file is written.

    Args:
        path: of a file that is there and not empty.
        given: what is known already.

    Raises:
        DataError: it is of a kind that is not read.
    """
    if packing_of(path) == ".zip" and is_workbook(path):
        return _workbook(path, given)
    head = next(read_blocks(path, 4096))
    if head.startswith(b"PAR1") and packing_of(path) is None:
        return Written("parquet", {"flatten": "true"}, ("Parquet",))
    if head.startswith(b"PK\x03\x04"):
        return _workbook(path, given)
    unread = next((it for mark, it in _NOT_READ.items() if head.startswith(mark)), None)
    if _MARKUP.match(head):
        unread = ("a page of HTML or XML", "open it in a spreadsheet and save it as .xlsx or as CSV UTF-8")
    if unread is None:
        written = sniff(path, given.options)
        if b"\0" not in head or is_wide(written.options["encoding"]):
            return written
        unread = ("bytes that are no text", "save it in one of these formats")
    raise DataError(str(given.path), got=unread[0], allowed=_SUFFIXES_OF_TEXT, fix=unread[1])


def _workbook(path: Path, given: Input) -> Written:
    sheet = find_sheet(path, given.options.get("sheet"))
    others = f"; not read: {', '.join(sheet.others)} (--sheet)" if sheet.others else ""
    return Written("xlsx", {"sheet": sheet.name}, (f"workbook, sheet {sheet.name}{others}",))


def _of_command(error: CdpError, where: str) -> CdpError:
    """Name a file as it was given, and options as the command calls them."""
    fix = error.fix
    for option, flag in _OPTIONS.items():
        fix = fix.replace(f"set {option}", f"set {flag}")
    at = where if error.where.startswith(("file ", "csv ", "json ", "parquet ", "xlsx ")) else error.where
    return type(error)(at, got=error.got.split(" at /")[0], allowed=error.allowed, fix=fix)


def _read(given: Input, reading: Reading, budget: _Budget) -> Texts:
    if reading.columns is None and reading.size_bytes > 4 * budget.text_bytes:
        raise too_large(str(given.path))  # a document is read in one piece
    batches: list[pa.Table] = []
    rejected: Counter[str] = Counter()
    for batch in reading.batches():
        budget.take(batch.rows, str(given.path))
        batches.append(batch.rows)
        rejected.update(batch.rejected["reason"].to_pylist())
    declared = pa.schema([(name, pa.string()) for name in reading.columns or ()])
    rows = pa.concat_tables([declared.empty_table(), *batches], promote_options="default")
    return Texts(given.name, str(given.path), rows, rejected, reading.notes)


def _unused(name: str, taken: Collection[str]) -> str:
    candidates = [name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)
