r"""Delimited text (CSV): columns by name, rows of a wrong shape refused with their text.

A file is read in blocks of whole lines, which end in `\n`, `\r\n` or `\r`.
1. Where every quote of a block opens, closes or escapes as it should, Arrow's CSV reader reads the block.
2. Else only the lines without a quote are Arrow's; records with quotes are scanned one by one.
3. A quoted value that is closed is one value: its lines are never rows, though they may look like some, and its record
   is refused whole where it has too many or too few cells.
4. A quote that is never closed costs its record up to the line in which it opens: the lines after it are rows again.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from cdp_spark.errors import DataError
from cdp_spark.ingest.reading.batch import Refused, split_batches
from cdp_spark.ingest.reading.dialect import name_columns
from cdp_spark.ingest.reading.files import WHOLE, file_uri, read_blocks
from cdp_spark.ingest.reading.scanner import Scanner, sound_end
from cdp_spark.limits import LINE_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cdp_spark.ingest.reading.batch import ReadBatch
    from cdp_spark.ingest.reading.dialect import Dialect
    from cdp_spark.ingest.reading.files import Span
    from cdp_spark.ingest.reading.scanner import Record

BLOCK_BYTES = 4_000_000
DELIMITERS = (",", ";", "\t", "|", "^", "\x01", "~")
SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
"""What a spreadsheet writes, or asks for, before the header."""
_MARK, _ENDS = "\ufeff", ("\n", "\r\n", "\r")
COLUMN_COUNT, UNCLOSED_QUOTE = "column_count", "unclosed_quote"


def read_header(where: str, head: bytes, dialect: Dialect) -> tuple[str, ...]:
    """Return the names of a file's columns; none for a file without a line.

    Args:
        where: names the file in errors.
        head: its first bytes.
        dialect: how it is written.

    Raises:
        DataError: the header is not in the declared encoding, has a quote that is not closed, or a name twice.
    """
    lines = split_lines(decode_text(head, dialect.encoding))[dialect.skip_lines :]
    start = _first_filled(lines)
    if start == len(lines):
        return ()
    record = Scanner(dialect).scan(lines, start, len(lines))
    if record.broken_at is not None:
        raise DataError(where, got="a quote that is not closed", fix="have the source close it")
    return name_columns(where, record.cells, dialect)


def find_dialect(head: bytes, dialect: Dialect, wanted: Collection[str]) -> Dialect:
    """Return how a file is written of which only the delimiter is not known.

    A first line `sep=;` names it. Otherwise it is the one that gives the header most of the wanted columns: commas,
    where no other gives more.

    Args:
        head: the file's first bytes.
        dialect: the rest of how it is written.
        wanted: names of columns.
    """
    lines = split_lines(decode_text(head, dialect.encoding))
    named = SEP_LINE.fullmatch(lines[0].strip()) if lines else None
    if named:
        return replace(dialect, delimiter=named[1], skip_lines=max(dialect.skip_lines, 1))
    lines = lines[dialect.skip_lines :]
    start = _first_filled(lines)
    if start == len(lines):
        return dialect

    def count(delimiter: str) -> int:
        cells = Scanner(replace(dialect, delimiter=delimiter)).scan(lines, start, len(lines)).cells
        return len(set(wanted) & {cell.strip() for cell in cells})

    return replace(dialect, delimiter=max(DELIMITERS, key=count))


def read_delimited(file: Path, header: Sequence[str], dialect: Dialect, span: Span = WHOLE) -> Iterator[ReadBatch]:
    """Read a file's rows.

    Args:
        file: plain or packed.
        header: names of its columns; its first record is skipped.
        dialect: how it is written.
        span: of the file, where no record goes over several lines.

    Raises:
        DataError: the file cannot be read.
    """
    texts = decode_blocks(read_blocks(file, BLOCK_BYTES, span), dialect.encoding, keep_ends=True)
    yield from read_texts(texts, header, dialect, source_file=file_uri(file), has_header=span[0] == 0)


def decode_blocks(blocks: Iterable[bytes], encoding: str, *, keep_ends: bool = False) -> Iterator[str]:
    r"""Decode a file's bytes; what is not of the encoding becomes U+FFFD.

    Args:
        blocks: of the file.
        encoding: of the bytes.
        keep_ends: whether ends of lines stay as they are; they become `\n` otherwise.
    """
    decoder, is_first = _decoder(encoding, translate=not keep_ends), True
    for block in blocks:
        text = decoder.decode(block)
        yield text.removeprefix(_MARK) if is_first else text
        is_first = is_first and not text
    yield decoder.decode(b"", final=True)


def decode_text(data: bytes, encoding: str) -> str:
    r"""Decode a file's first bytes, the last of which may be half a character; its lines end in `\n`."""
    return _decoder(encoding, translate=True).decode(data).removeprefix(_MARK)


def whole_lines(texts: Iterable[str], *, where: str) -> Iterator[tuple[str, bool]]:
    """Cut a text's pieces at line breaks, and say of each whether it is the last.

    Args:
        texts: the pieces.
        where: names the file in errors.

    Raises:
        DataError: a line is too long to be one.
    """
    rest: list[str] = []
    for text in texts:
        if sum(map(len, rest)) > LINE_CHARACTERS:
            fix = "check that the file is a table and that its lines end in line breaks"
            raise DataError(where, got=f"a line of more than {LINE_CHARACTERS:,} characters", fix=fix)
        joined = text if not rest or not rest[-1].endswith("\r") else rest.pop() + text
        cut = max(joined.rfind("\n"), joined.rfind("\r", 0, -1)) + 1  # the last character may be half of a CR LF
        if cut:
            yield "".join(rest) + joined[:cut], False
            rest = []
        rest.append(joined[cut:])
    yield "".join(rest), True


def read_texts(
    texts: Iterable[str], header: Sequence[str], dialect: Dialect, *, source_file: str, has_header: bool = True
) -> Iterator[ReadBatch]:
    """Read rows from a file's text, piece by piece; a record may go over several pieces.

    Args:
        texts: the pieces, with the ends of lines that the file has.
        header: names of the columns.
        dialect: how the file is written.
        source_file: URI of the file.
        has_header: whether the first record is the header.

    Raises:
        DataError: a quoted value does not end on its line, and the dialect says that all do.
    """
    reader, rest, body = _Reader(header, dialect, source_file), "", not has_header
    to_skip, line = dialect.skip_lines if has_header else 0, 1
    for piece, is_last in whole_lines(texts, where=f"file {source_file}"):
        line += _count_ends(piece)
        lines = split_lines(piece) if to_skip else []
        text = "".join(lines[to_skip:]) if to_skip else piece
        to_skip -= min(to_skip, len(lines))
        if not body and not to_skip:
            body = len(text) > len(text := reader.after_header(text))
        if len(text) < len(rest) and not is_last:  # an open record is not scanned again before it has doubled
            rest += text
            continue
        part = reader.read(rest + text, is_last=is_last, first_line=line - _count_ends(rest + text))
        rest = part.rest
        yield from split_batches(part.rows, part.rejected, source_file)


class _Part(NamedTuple):
    """What was read of a text.

    Args:
        rows: the readable ones, in order.
        rejected: the others.
        rest: text of a record that goes on in the next text.
        places: of the rows among all records that are not empty; None where no record was refused.
    """

    rows: pa.Table
    rejected: list[Refused]
    rest: str = ""
    places: NDArray[np.int64] | None = None


@dataclass
class _Sorted:
    """Where the lines of a text belong.

    Args:
        plain: lines without a quote.
        rows: cells of records with quotes.
        are_rows: of each row and each plain line that is not empty, in order, whether it is one of `rows`.
        rejected: records that are no row.
        given_back: lines before this one were in a record that a quote held open.
    """

    plain: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    are_rows: list[bool] = field(default_factory=list)
    rejected: list[Refused] = field(default_factory=list)
    given_back: int = 0


class _Reader:
    """Reads the records of one file."""

    def __init__(self, header: Sequence[str], dialect: Dialect, source_file: str) -> None:
        self._names, self._dialect, self._scanner = list(header), dialect, Scanner(dialect)
        self._source_file = source_file
        self._is_for_arrow = (dialect.delimiter + dialect.quote).isascii()
        self._nothing = ["", dialect.null_value]

    def after_header(self, text: str) -> str:
        """Return the text after the header's record; all of it where there are only empty lines."""
        lines = split_lines(text)
        start = _first_filled(lines)
        if start == len(lines):
            return text
        return "".join(lines[self._scanner.scan(lines, start, len(lines)).end :])

    def read(self, text: str, *, is_last: bool, first_line: int) -> _Part:
        """Read the records of a text; one whose quote is still open is the rest, unless the text is the last."""
        data = text.encode("utf-8", "replace")
        end = sound_end(data, self._dialect) if self._is_for_arrow else 0
        if not end:
            return self._scan(text, is_last=is_last, first_line=first_line)
        part, rest = self._parse(data[:end], quote=self._dialect.quote), data[end:].decode()
        if not (is_last and rest):
            return part._replace(rest=rest)
        last = self._scan(rest, is_last=True, first_line=first_line + _count_ends(text) - _count_ends(rest))
        return _Part(pa.concat_tables([part.rows, last.rows]), part.rejected + last.rejected)

    def _parse(self, data: bytes, *, quote: str) -> _Part:
        """Read records whose quotes are sound."""
        refused: list[tuple[int, str]] = []

        def reject(row: csv.InvalidRow) -> str:
            refused.append((row.number - 1, row.text))
            return "skip"

        if not data.strip(b"\r\n"):
            return _Part(self._table([]), [])
        has_quotes = quote.encode() in data if quote else False
        doubled = self._dialect.escape == quote
        columns = [str(position) for position in range(len(self._names))]
        rows = csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(column_names=columns, block_size=len(data) + 1, use_threads=False),
            csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                quote_char=quote if has_quotes else False,
                double_quote=doubled,
                newlines_in_values=has_quotes,
                invalid_row_handler=reject,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=True, null_values=self._nothing
            ),
        )
        return self._with_padded(rows.rename_columns(self._names), refused)

    def _with_padded(self, rows: pa.Table, refused: list[tuple[int, str]]) -> _Part:
        """Put rows that only leave out their last cells back in their places; the others are refused."""
        count = rows.num_rows + len(refused)
        places = np.delete(np.arange(count), [place for place, _ in refused])
        padded, rejected = {}, []
        for place, text in refused:
            lines = split_lines(text) if self._dialect.pad_rows else []
            cells = self._fitted(self._scanner.scan(lines, 0, len(lines)).cells) if lines else []
            if len(cells) == len(self._names):
                padded[place] = cells
            elif text.strip():
                rejected.append(Refused(text, COLUMN_COUNT))
        if padded:
            places = np.concatenate([places, list(padded)])
            rows = pa.concat_tables([rows, self._table(list(padded.values()))]).take(pa.array(np.argsort(places)))
        return _Part(rows, rejected, places=np.sort(places) if refused else None)

    def _fitted(self, cells: list[str]) -> list[str]:
        """Fill a row up that has at least half of its cells, and cut empty ones that it has too many."""
        count = len(self._names)
        if not self._dialect.pad_rows or len(cells) < max(2, count / 2) or any(cells[count:]):
            return cells
        return [*cells[:count], *[""] * (count - len(cells))]

    def _scan(self, text: str, *, is_last: bool, first_line: int) -> _Part:
        lines, at, found = split_lines(text), 0, _Sorted()
        while at < len(lines):
            if self._is_for_arrow and self._dialect.quote not in lines[at]:
                if lines[at] not in _ENDS:
                    found.plain.append(lines[at])
                    found.are_rows.append(False)
                at += 1
                continue
            record = self._scanner.scan(lines, at, len(lines) if self._dialect.multi_line else at + 1)
            if record.is_open and self._dialect.multi_line and not is_last:
                break
            at = self._sort(found, lines, at, record, first_line)
        plain = self._parse("".join(found.plain).encode("utf-8", "replace"), quote="")
        both = pa.concat_tables([plain.rows, self._table(found.rows)])
        if found.rows:
            both = both.take(pa.array(np.argsort(_places(found, plain))))
        return _Part(both, plain.rejected + found.rejected, "".join(lines[at:]))

    def _sort(self, found: _Sorted, lines: list[str], start: int, record: Record, first_line: int) -> int:
        """Put a record where it belongs; returns the line to go on with."""
        if record.broken_at is not None:
            if not self._dialect.multi_line:
                raise _not_on_one_line(self._source_file)
            end, cells = record.broken_at + 1, []
            found.given_back = max(found.given_back, record.end)
        else:
            end, cells = record.end, self._fitted(record.cells)
        text = "".join(lines[start:end]).rstrip("\r\n")
        is_odd = record.broken_at is not None or self._scanner.has_open_quote(text)
        is_leftover = is_odd and end == start + 1 and start < found.given_back
        if len(cells) == len(self._names) and not is_leftover:
            found.rows.append(cells)
            found.are_rows.append(True)
        elif is_odd:
            line = first_line + end - 1 if self._dialect.multi_line else None  # parts of a file do not count lines
            found.rejected.append(Refused(text, UNCLOSED_QUOTE, line))
        elif text.strip():
            found.rejected.append(Refused(text, COLUMN_COUNT))
        return end

    def _table(self, rows: list[list[str]]) -> pa.Table:
        columns = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
        columns = columns or [pa.array([], pa.string())] * len(self._names)
        nothing = pa.array(self._nothing)
        filled = [pc.if_else(pc.is_in(column, value_set=nothing), None, column) for column in columns]
        return pa.Table.from_arrays(filled, names=self._names)


def _not_on_one_line(source_file: str) -> DataError:
    return DataError(
        f"file {source_file}",
        got="a quoted value that does not end on its line, though options.multiLine is false",
        fix="remove options.multiLine, or have the source close its quotes",
    )


def _places(found: _Sorted, plain: _Part) -> NDArray[np.int64]:
    """Return the places in the file of the plain rows that were read, then of the rows with quotes."""
    are_rows = np.array(found.are_rows)
    of_plain = np.flatnonzero(~are_rows)
    return np.concatenate([of_plain if plain.places is None else of_plain[plain.places], np.flatnonzero(are_rows)])


def _decoder(encoding: str, *, translate: bool) -> codecs.IncrementalDecoder | io.IncrementalNewlineDecoder:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return io.IncrementalNewlineDecoder(decoder, translate=True) if translate else decoder


def split_lines(text: str) -> list[str]:
    r"""Cut a text at `\n`, `\r\n` and `\r`, and nowhere else; each line keeps its end."""
    return io.StringIO(text, newline="").readlines()


def _count_ends(text: str) -> int:
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def _first_filled(lines: Sequence[str]) -> int:
    return next((at for at, line in enumerate(lines) if line not in _ENDS), len(lines))
