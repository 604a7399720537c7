"""How a delimited file is written, and its header: read from the source's options and the file's first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.errors import ConfigError, DataError
from cdp_spark.ingest.reading.files import FILE_OPTIONS
from cdp_spark.normalise.text import ALLOWED_ENCODINGS, is_encoding, is_wide

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SET_BY_INGEST = frozenset(
    {"header", "inferschema", "enforceschema", "mode", "columnnameofcorruptrecord", "columnpruning", "comment"}
)
_KNOWN = frozenset(
    {
        "delimiter",
        "sep",
        "quote",
        "escape",
        "encoding",
        "charset",
        "multiline",
        "nullvalue",
        "skiplines",
        "numberdoubles",
        "columncount",
        "padrows",
    }
)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Args:
        delimiter: one character between two columns.
        quote: one character around a value, empty for none.
        escape: makes a quote inside a quoted value a part of it; the quote itself where quotes are doubled.
        encoding: of the bytes.
        multi_line: whether a quoted value may hold a line break.
        null_value: a text that stands for nothing, as an empty one does.
        skip_lines: lines before the header.
        number_doubles: whether the second column of a name gets a number (`Tags_2`); it is refused otherwise.
        column_count: columns that rows have where the header has more or fewer; None for the header's own.
        pad_rows: whether a row may leave out its last cells; it is refused otherwise.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'
    encoding: str = "UTF-8"
    multi_line: bool = True
    null_value: str = ""
    skip_lines: int = 0
    number_doubles: bool = False
    column_count: int | None = None
    pad_rows: bool = False


def read_dialect(where: str, options: Mapping[str, str]) -> Dialect:
    """Return the dialect that options describe; RFC 4180 in UTF-8 where they are silent.

    Args:
        where: names the options in errors.
        options: of the source, their names in any case.

    Raises:
        ConfigError: an option that ingest itself sets, one that is unknown, or one of a wrong value.
    """
    given = {name.lower(): value for name, value in options.items()}
    _check_names(where, given)
    dialect = Dialect(
        delimiter=given.get("delimiter", given.get("sep", ",")).replace("\\t", "\t"),
        quote=given.get("quote", '"'),
        escape=given.get("escape", '"'),
        encoding=read_encoding(where, given),
        multi_line=given.get("multiline", "true").lower() == "true",
        null_value=given.get("nullvalue", ""),
        skip_lines=_read_count(f"{where}.skipLines", given.get("skiplines", "0")),
        number_doubles=given.get("numberdoubles", "false").lower() == "true",
        pad_rows=given.get("padrows", "false").lower() == "true",
        column_count=_read_count(f"{where}.columnCount", given.get("columncount", "0")) or None,
    )
    if len(dialect.delimiter) != 1 or dialect.delimiter in "\r\n":
        raise ConfigError(f"{where}.delimiter", got=repr(dialect.delimiter), allowed="one character")
    for name, value in (("quote", dialect.quote), ("escape", dialect.escape)):
        if len(value) > 1:
            raise ConfigError(f"{where}.{name}", got=repr(value), allowed="one character, or none")
    return dialect


def names_delimiter(options: Mapping[str, str]) -> bool:
    """Tell whether options, their names in any case, say what the delimiter is."""
    return not {"delimiter", "sep"}.isdisjoint(name.lower() for name in options)


def read_encoding(where: str, options: Mapping[str, str]) -> str:
    """Return the encoding that options (names in lower case) name, UTF-8 where they do not.

    Raises:
        ConfigError: it is unknown.
    """
    encoding = options.get("encoding", options.get("charset", "UTF-8"))
    if not is_encoding(encoding):
        raise ConfigError(f"{where}.encoding", got=repr(encoding), allowed=ALLOWED_ENCODINGS)
    return encoding


def name_columns(where: str, cells: Sequence[str], dialect: Dialect) -> tuple[str, ...]:
    """Return a header's column names; one without a name is called by its position.

    Raises:
        DataError: the header is not in the declared encoding, or names a column twice.
    """
    if any("\ufffd" in cell for cell in cells):
        raise DataError(where, got=f"bytes that are not {dialect.encoding}", fix="set options.encoding")
    count = dialect.column_count or len(cells)
    cells = [*cells, *[""] * (count - len(cells))][:count]
    names = tuple(cell.strip() or f"_c{position}" for position, cell in enumerate(cells))
    if dialect.number_doubles:
        return number_doubles(names)
    _refuse_duplicates(where, names)
    return names


def number_doubles(names: Sequence[str]) -> tuple[str, ...]:
    """Give each name that differs from an earlier one by its case at most a number: `Tags`, `TAGS_2`."""
    taken = {name.casefold() for name in names}
    seen: set[str] = set()
    numbered = []
    for given in names:
        name, number = given, 2
        if given.casefold() in seen:
            while f"{given}_{number}".casefold() in taken | seen:
                number += 1
            name = f"{given}_{number}"
        seen.add(name.casefold())
        numbered.append(name)
    return tuple(numbered)


def refuse_utf16(where: str, heads: Mapping[str, bytes], encoding: str) -> None:
    """Refuse a delivery that holds UTF-16 and does not say so.

    Args:
        where: names the source in the error.
        heads: the files' first bytes by name.
        encoding: that the source declares.

    Raises:
        DataError: a file begins with a UTF-16 mark, or a third of its first bytes is zero.
    """
    if is_wide(encoding):
        return
    wide = [name for name, head in heads.items() if head.startswith(_UTF16_MARKS) or head.count(0) * 3 > len(head)]
    if wide:
        raise DataError(
            where,
            got=f"UTF-16 text in {len(wide)} of {len(heads)} file(s), the first is {wide[0]}",
            allowed="UTF-8, or another encoding named in options.encoding",
            fix="set options.encoding to UTF-16, or have the source export UTF-8",
        )


def _read_count(where: str, text: str) -> int:
    if not text.isdecimal():
        raise ConfigError(where, got=repr(text), allowed="a number such as 3")
    return int(text)


def _check_names(where: str, given: Mapping[str, str]) -> None:
    taken = sorted(given.keys() & _SET_BY_INGEST)
    if taken:
        raise ConfigError(where, got=", ".join(taken), fix="leave them out: ingest reads by header and as text")
    unknown = sorted(given.keys() - _KNOWN - FILE_OPTIONS)
    if unknown:
        raise ConfigError(where, got=", ".join(unknown), allowed=", ".join(sorted(_KNOWN | FILE_OPTIONS)))


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
            fix="set options.numberDoubles to true, or have the source rename or drop one of them",
        )
