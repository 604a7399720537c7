"""Opening a source: its files found, their first lines checked, their columns named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from cdp_spark.errors import CdpError, ConfigError, DataError
from cdp_spark.ingest.reading.batch import ReadBatch, Reading
from cdp_spark.ingest.reading.delimited import read_delimited, read_header
from cdp_spark.ingest.reading.dialect import read_dialect, read_encoding, refuse_utf16
from cdp_spark.ingest.reading.files import find_files, local_path, read_blocks
from cdp_spark.ingest.reading.json_text import read_json_document, read_json_lines
from cdp_spark.ingest.reading.typed import parquet_columns, read_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cdp_spark.config.source import SourceConfig

Format = Literal["csv", "json", "parquet"]
_HEAD_BYTES = 1_000_000
_SNIFFED_BYTES = 65_536


def open_source(source: SourceConfig, *, folder: str) -> Reading | None:
    """Open a source's newest delivery on this machine.

    Args:
        source: of CSV, JSON or Parquet files.
        folder: a relative path is below it.
    Returns: None where nothing is there.

    Raises:
        DataError: UTF-16, a header that names a column twice, files that are not of the source's format.
        ConfigError: an option that ingest itself sets or does not know; a path or format that only Spark reads.
    """
    path = local_path(source.path or "", folder) if source.path else None
    if path is None or source.format not in ("csv", "json", "parquet"):
        got = source.path or source.format
        raise ConfigError(f"source {source.name}", got=got, allowed="files of this machine: csv, json or parquet")
    files = find_files(path, source.options)
    return _open(f"source {source.name}", f"sources/{source.name}: options", files, source.format, source.options)


def open_files(paths: Sequence[Path], *, format: Format, options: Mapping[str, str]) -> Reading | None:  # noqa: A002
    """Open files of this machine by their paths.

    Args:
        paths: of files; one that is not there is left out.
        format: `csv`, `json` or `parquet`.
        options: as those of a source.
    Returns: None where nothing is there.

    Raises:
        DataError: as of `open_source`.
        ConfigError: an option that ingest itself sets or does not know.
    """
    files = [path for path in paths if path.is_file()]
    return _open(f"{format} files", "options", files, format, options)


def _open(where: str, options_at: str, files: Sequence[Path], kind: str, options: Mapping[str, str]) -> Reading | None:
    opened = {"csv": _open_delimited, "json": _open_json, "parquet": _open_parquet}[kind]
    return opened(where, options_at, files, options)


def _open_delimited(where: str, options_at: str, files: Sequence[Path], options: Mapping[str, str]) -> Reading | None:
    dialect = read_dialect(options_at, options)
    headers = {}
    for file, head in _heads(where, files).items():
        header = read_header(f"{where}, header of {file}", head, dialect)
        if header:
            headers[file] = header
    columns = {name: "string" for header in headers.values() for name in header}
    reads = [(file, lambda it, header=header: read_delimited(it, header, dialect)) for file, header in headers.items()]
    return Reading(columns, lambda: _read(where, reads)) if headers else None


def _open_json(where: str, options_at: str, files: Sequence[Path], options: Mapping[str, str]) -> Reading | None:
    given = {name.lower(): value for name, value in options.items()}
    encoding = read_encoding(options_at, given)
    is_document = given.get("multiline", "false").lower() == "true"
    read = read_json_document if is_document else read_json_lines
    reads = [(file, lambda it: read(it, encoding)) for file in _heads(where, files)]
    return Reading(None, lambda: _read(where, reads)) if reads else None


def _open_parquet(where: str, _: str, files: Sequence[Path], __: Mapping[str, str]) -> Reading | None:
    columns: dict[str, str] = {}
    for file in files:
        try:
            columns = parquet_columns(file) | columns
        except DataError as error:
            raise _of_source(where, error) from None
    return Reading(columns, lambda: _read(where, [(file, read_parquet) for file in files])) if files else None


def _heads(where: str, files: Sequence[Path]) -> dict[Path, bytes]:
    """Return the first bytes of all files that have any.

    Raises:
        DataError: a file cannot be read, or holds UTF-16.
    """
    heads = {}
    for file in files:
        try:
            heads[file] = next(read_blocks(file, _HEAD_BYTES))
        except DataError as error:
            raise _of_source(where, error) from None
    filled = {file: head for file, head in heads.items() if head}
    refuse_utf16(where, {str(file): head[:_SNIFFED_BYTES] for file, head in filled.items()})
    return filled


def _read(where: str, reads: Sequence[tuple[Path, Callable[[Path], Iterator[ReadBatch]]]]) -> Iterator[ReadBatch]:
    for file, read in reads:
        try:
            yield from read(file)
        except DataError as error:
            raise _of_source(where, error) from None


def _of_source(where: str, error: CdpError) -> DataError:
    return DataError(where, got=f"{error.got} at {error.where.removeprefix('file ')}", fix=error.fix)
