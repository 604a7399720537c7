"""The header of a delimited file: its columns by name, checked."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.readers.heads import FileHead

_SET_BY_INGEST = (
    "header",
    "inferschema",
    "enforceschema",
    "mode",
    "columnnameofcorruptrecord",
    "columnpruning",
    "comment",
)


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Args:
        delimiter: one character between two columns.
        quote: one character around a value, empty for none.
        escape: what makes a quote inside a quoted value a part of it.
        encoding: of the bytes.
        multi_line: whether a quoted value may hold a line break; without it a large file is read in parallel.
    """

    delimiter: str
    quote: str
    escape: str
    encoding: str
    multi_line: bool


def read_dialect(source: SourceConfig) -> Dialect:
    """The dialect that a source's options describe; RFC 4180 in UTF-8 where they are silent.

    Args:
        source: a source of delimited text.

    Returns:
        The dialect.

    Raises:
        ConfigError: an option that ingest itself sets, or one of a wrong value.
    """
    options = {name.lower(): value for name, value in source.options.items()}
    where = f"sources/{source.name}: options"
    taken = sorted(set(options) & set(_SET_BY_INGEST))
    if taken:
        raise ConfigError(where, got=", ".join(taken), fix="leave them out: ingest reads by header and as text")
    dialect = Dialect(
        delimiter=options.get("delimiter", options.get("sep", ",")).replace("\\t", "\t"),
        quote=options.get("quote", '"'),
        escape=options.get("escape", '"'),
        encoding=options.get("encoding", options.get("charset", "UTF-8")),
        multi_line=options.get("multiline", "true").lower() == "true",
    )
    if len(dialect.delimiter) != 1:
        raise ConfigError(f"{where}.delimiter", got=repr(dialect.delimiter), allowed="one character")
    _check_encoding(where, dialect.encoding)
    return dialect


def group_by_header(
    source: str, heads: tuple[FileHead, ...], dialect: Dialect
) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Group a delivery's files by their header, since columns are matched by name and files may differ.

    Args:
        source: its name, for errors.
        heads: the files' first lines.
        dialect: how the files are written.

    Returns:
        Header to the paths of its files.

    Raises:
        DataError: a header that is not in the declared encoding, or names a column twice.
    """
    groups: dict[tuple[str, ...], tuple[str, ...]] = {}
    for head in heads:
        header = _parse_header(source, head, dialect)
        if header:
            groups[header] = (*groups.get(header, ()), head.path)
    return groups


def _parse_header(source: str, head: FileHead, dialect: Dialect) -> tuple[str, ...]:
    where = f"source {source}, header of {head.path}"
    text = head.text.decode(dialect.encoding, errors="replace").lstrip("\r\n")
    cells = next(_csv_reader(text, dialect), [])
    if any("�" in cell for cell in cells):
        raise DataError(where, got=f"bytes that are not {dialect.encoding}", fix="set options.encoding")
    names = tuple(cell.strip() or f"_c{position}" for position, cell in enumerate(cells))
    _refuse_duplicates(where, names)
    return names


def _csv_reader(text: str, dialect: Dialect) -> Iterator[list[str]]:
    if not dialect.quote:
        return csv.reader(io.StringIO(text, newline=""), delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE)
    doubled = dialect.escape == dialect.quote
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        doublequote=doubled,
        escapechar=None if doubled else dialect.escape,
    )


def _refuse_duplicates(where: str, names: tuple[str, ...]) -> None:
    seen: dict[str, str] = {}
    twice = []
    for name in names:
        if name.casefold() in seen:
            twice.append(f"'{seen[name.casefold()]}' and '{name}'")
        seen.setdefault(name.casefold(), name)
    if twice:
        raise DataError(
            where,
            got=f"the same column twice: {'; '.join(twice[:5])}",
            allowed="names that differ by more than their case",
            fix="have the source rename or drop one of them",
        )


def _check_encoding(where: str, encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError:
        allowed = "UTF-8, ISO-8859-1, windows-1252, …"
        raise ConfigError(f"{where}.encoding", got=repr(encoding), allowed=allowed) from None
