"""Read files into this process as tables of texts, up to a limit of rows and memory.

What a file is, its bytes say, not its suffix: Parquet, a workbook, or text, each of them packed or not. How text is
written is found out (`ingest/reading/sniff`), unless the command's options say it.
"""

from __future__ import annotations

import re
import zipfile
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
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_NOT_READ = {
    _OLD_WORKBOOK: ("a workbook of the old kind (.xls)", "save it as .xlsx or as CSV UTF-8"),
    b"%PDF": ("a PDF", "export the table as CSV or .xlsx"),
    b"ARROW1": ("an Arrow file", "write it as Parquet"),
    b"Obj\x01": ("an Avro file", "write it as Parquet or CSV"),
    b"ORC": ("an ORC file", "write it as Parquet or CSV"),
    b"SQLite format": ("a database of SQLite", "export the table as CSV"),
    b"BEGIN:VCARD": ("vCards", "import them into an address book and export that as CSV"),
    b"{\\rtf": ("a document (.rtf)", "copy its table into a sheet, and save that as .xlsx or as CSV UTF-8"),
    b"INSERT INTO": ("SQL statements", "load them into a database and export the table as CSV"),
    b"CREATE TABLE": ("SQL statements", "load them into a database and export the table as CSV"),
    b"-- MySQL dump": ("SQL statements", "load them into a database and export the table as CSV"),
    b"--\n-- PostgreSQL": ("SQL statements", "load them into a database and export the table as CSV"),
}
"""First bytes of what is often given, what it is, and what to do."""
_NOT_READ_ZIPS = {
    "word/document.xml": ("a document (.docx)", "copy its table into a sheet, and save that as .xlsx or as CSV UTF-8"),
    "content.xml": ("an OpenDocument sheet (.ods)", "save it as .xlsx or as CSV UTF-8"),
    "Index/Document.iwa": ("a sheet of Numbers", "export it as .xlsx or as CSV UTF-8"),
}
"""Files by which a zip is known to be something else."""
_ENCRYPTED_WORKBOOK = "EncryptedPackage".encode("utf-16-le")
_MOST_CONTROLS = 0.02
"""Share of control characters from which bytes are no text."""
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\x01\x0c\x1a\x1b")
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
        fix = "export it again: the file holds no text"
        raise DataError(str(given.path), got="no header", allowed="a header and rows", fix=fix)
    return replace(reading, notes=written.notes)


def find_written(path: Path, given: Input) -> Written:
    """Find out how a file is written.

    Args:
        path: of a file that is there and not empty.
        given: what is known already.

    Raises:
        DataError: it is of a kind that is not read.
    """
    if packing_of(path) == ".zip":
        if is_workbook(path):
            return _workbook(path, given)
        _refuse_documents(path, given)
    head = next(read_blocks(path, 4096))
    if head.startswith(b"PAR1") and packing_of(path) is None:
        return Written("parquet", {"flatten": "true"}, ("Parquet",))
    if head.startswith(b"PK\x03\x04"):
        return _workbook(path, given)
    unread = _told_by_mark(path, head)
    if unread is None:
        written = sniff(path, given.options)
        if not _is_binary(head) or is_wide(written.options["encoding"]):
            return written
        unread = ("bytes that are no text", "save it in one of these formats")
    raise DataError(str(given.path), got=unread[0], allowed=_SUFFIXES_OF_TEXT, fix=unread[1])


def _told_by_mark(path: Path, head: bytes) -> tuple[str, str] | None:
    """What a file that is not read is, by its first bytes, and what to do; None where they do not tell."""
    if head.startswith(_OLD_WORKBOOK) and _ENCRYPTED_WORKBOOK in path.read_bytes():
        return "a workbook with a password", "open it and save it without a password, or as CSV UTF-8"
    if _MARKUP.match(head):
        return "a page of HTML or XML", "open it in a spreadsheet and save it as .xlsx or as CSV UTF-8"
    return next((it for mark, it in _NOT_READ.items() if head.startswith(mark)), None)


def _is_binary(head: bytes) -> bool:
    return len(head) - len(head.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(head)


def _refuse_documents(path: Path, given: Input) -> None:
    """Refuse a zip that is a document of another program.

    Raises:
        DataError: it is one.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = set(archive.namelist())
    except zipfile.BadZipFile:
        return  # which reading tells
    unread = next((it for name, it in _NOT_READ_ZIPS.items() if name in held), None)
    if unread:
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
    return type(error)(at, got=re.split(" at (?:file:)?/", error.got)[0], allowed=error.allowed, fix=fix)


def _read(given: Input, reading: Reading, budget: _Budget) -> Texts:
    if packing_of(given.path) == ".zip" and _zipped_bytes(given.path) > 4 * budget.text_bytes:
        raise too_large(str(given.path))
    if reading.columns is None and reading.size_bytes > 4 * budget.text_bytes:
        raise too_large(str(given.path))  # a document is read in one piece
    batches: list[pa.Table] = []
    rejected: Counter[str] = Counter()
    try:
        for batch in reading.batches():
            budget.take(batch.rows, str(given.path))
            batches.append(batch.rows)
            rejected.update(batch.rejected["reason"].to_pylist())
    except DataError as error:
        raise _of_command(error, str(given.path)) from None
    declared = pa.schema([(name, pa.string()) for name in reading.columns or ()])
    rows = pa.concat_tables([declared.empty_table(), *batches], promote_options="default")
    return Texts(given.name, str(given.path), rows, rejected, reading.notes)


def _zipped_bytes(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(held.file_size for held in archive.infolist())


def _unused(name: str, taken: Collection[str]) -> str:
    candidates = [name, *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(candidate for candidate in candidates if candidate not in taken)
