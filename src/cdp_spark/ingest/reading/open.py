"""Opening a source: its files found, their first lines checked, their columns named."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cdp_spark.config.source import configured_columns
from cdp_spark.errors import CdpError, ConfigError, DataError
from cdp_spark.ingest.reading.batch import ReadBatch, Reading
from cdp_spark.ingest.reading.delimited import decode_text, find_dialect, read_delimited, read_header
from cdp_spark.ingest.reading.dialect import names_delimiter, read_dialect, read_encoding, refuse_utf16
from cdp_spark.ingest.reading.files import WHOLE, find_files, is_packed, local_path, read_blocks, unpacked_size
from cdp_spark.ingest.reading.json_text import begins_array, read_json_document, read_json_lines
from cdp_spark.ingest.reading.typed import parquet_columns, read_parquet
from cdp_spark.ingest.reading.workbook import find_sheet, read_sheet
from cdp_spark.limits import PART_BYTES
from cdp_spark.normalise.text import is_wide

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.reading.batch import Format
    from cdp_spark.ingest.reading.dialect import Dialect
    from cdp_spark.ingest.reading.files import Span

_HEAD_BYTES = 1_000_000
_SNIFFED_BLOCK = 16_000_000
_SNIFFED_BYTES = 65_536


def open_source(source: SourceConfig, *, folder: str) -> Reading | None:
    """Open a source's newest delivery on this machine.

    Args:
        source: of CSV, JSON or Parquet files.
        folder: a relative path is below it.
    Returns: None where nothing is there.

    Raises:
        DataError: UTF-16 that is not declared, a header that names a column twice, files of another format.
        ConfigError: an option that ingest itself sets or does not know; a path or format that only Spark reads.
    """
    path = local_path(source.path or "", folder) if source.path else None
    if path is None or source.format not in ("csv", "json", "parquet"):
        got = source.path or source.format
        raise ConfigError(f"source {source.name}", got=got, allowed="files of this machine: csv, json or parquet")
    files = find_files(path, source.options)
    where, options_at = f"source {source.name}", f"sources/{source.name}: options"
    if source.format == "csv":
        return _open_delimited(where, options_at, files, source.options, wanted=configured_columns(source))
    return _open(where, options_at, files, source.format, source.options)


def open_files(paths: Sequence[Path], *, format: Format, options: Mapping[str, str]) -> Reading | None:  # noqa: A002
    """Open files of this machine by their paths.

    Args:
        paths: of files; one that is not there is left out.
        format: `csv`, `json`, `parquet` or `xlsx`.
        options: as those of a source; of a workbook `sheet`.
    Returns: None where nothing is there.

    Raises:
        DataError: as of `open_source`.
        ConfigError: an option that ingest itself sets or does not know.
    """
    files = [path for path in paths if path.is_file()]
    return _open(f"{format} files", "options", files, format, options)


def _open(where: str, options_at: str, files: Sequence[Path], kind: str, options: Mapping[str, str]) -> Reading | None:
    opened = {"csv": _open_delimited, "json": _open_json, "parquet": _open_parquet, "xlsx": _open_workbooks}
    return opened[kind](where, options_at, files, options)


def _open_delimited(
    where: str, options_at: str, files: Sequence[Path], options: Mapping[str, str], wanted: Collection[str] = ()
) -> Reading | None:
    told = read_dialect(options_at, options)
    headers = {}
    for file, head in _heads(where, files, told.encoding).items():
        dialect = told if names_delimiter(options) else find_dialect(head, told, wanted)
        header = read_header(f"{where}, header of {file}", head, dialect)
        if header:
            headers[file] = (header, dialect)
    columns = {name: "string" for header, _ in headers.values() for name in header}
    parts = [
        partial(_read, where, read_delimited, file, header, dialect, span)
        for file, (header, dialect) in headers.items()
        for span in _spans(file, is_by_line=_is_by_line(file, dialect))
    ]
    return _reading(columns, parts, list(headers)) if headers else None


def _is_by_line(file: Path, dialect: Dialect) -> bool:
    """Tell whether no record goes over several lines: none may, or there is no quote that a large file could have."""
    if is_wide(dialect.encoding):
        return False
    if not dialect.multi_line or not dialect.quote:
        return True
    if is_packed(file) or file.stat().st_size <= PART_BYTES:
        return False
    return not any(dialect.quote.encode() in block for block in read_blocks(file, _SNIFFED_BLOCK))


def _open_json(where: str, options_at: str, files: Sequence[Path], options: Mapping[str, str]) -> Reading | None:
    given = {name.lower(): value for name, value in options.items()}
    encoding = read_encoding(options_at, given)
    found = _heads(where, files, encoding)
    flatten = given.get("flatten", "false").lower() == "true"
    is_by_line = not is_wide(encoding)
    parts: list[Callable[[], Iterator[ReadBatch]]] = []
    for file, head in found.items():
        if is_json_document(given, decode_text(head, encoding)):
            parts.append(partial(_read, where, partial(read_json_document, flatten=flatten), file, encoding))
            continue
        read = partial(read_json_lines, flatten=flatten)
        spans = _spans(file, is_by_line=is_by_line)
        parts += [partial(_read, where, read, file, encoding, span) for span in spans]
    return _reading(None, parts, list(found)) if parts else None


def is_json_document(options: Mapping[str, str], beginning: str) -> bool:
    """Tell whether a file of JSON is a document, and no object a line: as the options say, or else if it is an array.

    Args:
        options: their names in lower case.
        beginning: of the file's text.
    """
    told = options.get("multiline")
    return begins_array(beginning) if told is None else told.lower() == "true"


def _open_parquet(where: str, _: str, files: Sequence[Path], options: Mapping[str, str]) -> Reading | None:
    flatten = options.get("flatten") == "true"
    columns: dict[str, str] = {}
    for file in files:
        try:
            columns = parquet_columns(file, flatten=flatten) | columns
        except DataError as error:
            raise _of_source(where, error) from None
    read = partial(read_parquet, flatten=flatten)
    return _reading(columns, [partial(_read, where, read, file) for file in files], files) if files else None


def _open_workbooks(where: str, _: str, files: Sequence[Path], options: Mapping[str, str]) -> Reading | None:
    sheets = {file: find_sheet(file, options.get("sheet")) for file in files}
    columns = {name: "string" for sheet in sheets.values() for name in sheet.names}
    parts = [partial(_read, where, read_sheet, file, sheet) for file, sheet in sheets.items()]
    return _reading(columns, parts, files) if files else None


def _reading(
    columns: Mapping[str, str] | None, parts: Sequence[Callable[[], Iterator[ReadBatch]]], files: Sequence[Path]
) -> Reading:
    return Reading(columns, tuple(parts), sum(map(unpacked_size, files)))


def _spans(file: Path, *, is_by_line: bool) -> list[Span]:
    """Cut a file of lines into spans that are worth a task of their own."""
    if is_packed(file) or not is_by_line:
        return [WHOLE]
    count = max(file.stat().st_size // PART_BYTES, 1)
    starts = [file.stat().st_size * number // count for number in range(count)]
    return list(zip(starts, [*starts[1:], None], strict=True))


def _heads(where: str, files: Sequence[Path], encoding: str) -> dict[Path, bytes]:
    """Return the first bytes of all files that have any.

    Raises:
        DataError: a file cannot be read, or holds UTF-16 that was not declared.
    """
    heads = {}
    for file in files:
        try:
            heads[file] = next(read_blocks(file, _HEAD_BYTES))
        except DataError as error:
            raise _of_source(where, error) from None
    filled = {file: head for file, head in heads.items() if head}
    refuse_utf16(where, {str(file): head[:_SNIFFED_BYTES] for file, head in filled.items()}, encoding)
    return filled


def _read(where: str, read: Callable[..., Iterator[ReadBatch]], *settings: object) -> Iterator[ReadBatch]:
    try:
        yield from read(*settings)
    except DataError as error:
        raise _of_source(where, error) from None


def _of_source(where: str, error: CdpError) -> DataError:
    return DataError(where, got=f"{error.got} at {error.where.removeprefix('file ')}", fix=error.fix)
