"""A file's first rows, recognised, and what is proposed for the source's YAML."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark.errors import DataError
from cdp_spark.ingest.reading.files import FILE_FORMATS
from cdp_spark.standalone.describing.times import TimeNotation, find_time_notation
from cdp_spark.standalone.discovery.recognise import recognise
from cdp_spark.standalone.discovery.vocabulary import plain_name
from cdp_spark.standalone.files import find_written, open_input

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cdp_spark.config.project import ProjectSettings
    from cdp_spark.standalone.discovery.recognise import Recognised
    from cdp_spark.standalone.files import Input

SAMPLE_ROWS = 5_000
_DEFAULTS = {"quote": '"', "escape": '"', "skipLines": "0"}
_OF_FILES = ("delimiter", "encoding", "quote", "escape", "skipLines", "columnCount", "padRows")
_READ = 0.9


@dataclass(frozen=True)
class Proposal:
    """What a source's YAML may say.

    Args:
        name: of the source.
        settings: the YAML's content, as a dictionary.
        comments: dotted key to what is said beside it.
        unused: columns that the source does not use, with the reason.
        unsure: what somebody should check, as sentences.
        notes: how the file is written, in words.
        numbers: a customer number's column to its values, for events and records.
    """

    name: str
    settings: dict[str, Any]
    comments: dict[str, str] = field(default_factory=dict)
    unused: tuple[tuple[str, str], ...] = ()
    unsure: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    numbers: dict[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """The first rows of a file.

    Args:
        rows: columns of text, nested fields by their paths.
        file: format, path and options, as a source's YAML says them.
        notes: how the file is written, in words.
        recognised: what each column was taken for.
        times: how each column that holds times writes them.
        zone: of times that name none.
    """

    rows: pa.Table
    file: dict[str, Any]
    notes: tuple[str, ...]
    recognised: tuple[Recognised, ...]
    times: dict[str, TimeNotation]
    zone: str

    def columns_of(self, *meanings: str) -> list[str]:
        """Return the columns that were taken for one of some meanings."""
        return [item.column for item in self.recognised if item.meaning in meanings]

    def values(self, column: str) -> list[str]:
        """Return a column's values, without those that are not there."""
        texts = self.rows[column].to_pylist() if column in self.rows.column_names else []
        return [text.strip() for text in texts if text and text.strip()]

    def time_field(self, column: str) -> Any:  # noqa: ANN401 - a text or a dictionary, as YAML has it
        """Return a time's column as the YAML says it."""
        notation = self.times[column]
        formats = {"formats": notation.formats[0] if len(notation.formats) == 1 else [*notation.formats]}
        zone = {} if notation.names_zone or self.zone == "UTC" else {"time_zone": self.zone}
        said = (formats if notation.formats else {}) | zone
        return {"column": column, **said} if said else column


def sample_file(given: Input, *, folder: Path, settings: ProjectSettings | None) -> Sample:
    """Read a file's first rows and recognise its columns.

    Args:
        given: the file.
        folder: of the project, to which the path becomes relative.
        settings: of the project, if it has any yet.

    Raises:
        DataError: the file is missing, empty, of a format that sources do not have, or without a row.
    """
    reading = open_input(given)
    written = find_written(given.path.absolute(), given)
    if written.format not in FILE_FORMATS:
        fix = "save it as CSV UTF-8"
        raise DataError(str(given.path), got="a workbook", allowed="a CSV, JSON or Parquet file", fix=fix)
    batches, count = [], 0
    for batch in reading.batches():
        batches.append(batch.rows)
        count += batch.rows.num_rows
        if count >= SAMPLE_ROWS:
            break
    rows = pa.concat_tables(batches, promote_options="default").slice(0, SAMPLE_ROWS) if batches else pa.table({})
    if not rows.num_rows or not rows.column_names:
        fix = "check that the export holds rows, and that they can be read"
        raise DataError(str(given.path), got="no row that can be read", allowed="a header and rows", fix=fix)
    times = {name: find_time_notation(rows[name].to_pylist()) for name in rows.column_names}
    found = {name: notation for name, notation in times.items() if notation.read >= _READ}
    path = os.path.relpath(given.path.absolute(), folder.absolute())
    file = {"format": written.format, "path": path} | _options(written.format, written.options, rows.column_names)
    zone = settings.time_zone if settings else "UTC"
    return Sample(rows, file, reading.notes, recognise(rows), found, zone)


def _options(kind: str, options: dict[str, str], columns: Sequence[str]) -> dict[str, Any]:
    """The reader's options that differ from what a source takes for granted."""
    if kind == "parquet":
        return {}
    told = {name: options[name] for name in _OF_FILES if name in options and options[name] != _DEFAULTS.get(name)}
    if told.get("encoding", "").lower().replace("_", "-") == "utf-8":
        del told["encoding"]
    elif told.get("encoding") == "cp1252":
        told["encoding"] = "windows-1252"
    if told.get("delimiter") == ",":
        del told["delimiter"]
    if kind == "json":
        told = {name: value for name, value in told.items() if name == "encoding"}
    elif any(plain_name(name).endswith("_2") for name in columns):
        told["numberDoubles"] = "true"
    return {"options": told} if told else {}
