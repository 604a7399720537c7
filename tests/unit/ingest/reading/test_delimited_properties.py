"""Whatever stands in a delimited file, however it is cut: its rows are read."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.errors import DataError
from cdp_spark.ingest.reading import delimited, open_files
from cdp_spark.ingest.reading.delimited import read_texts
from cdp_spark.ingest.reading.dialect import Dialect

_TEXTS = st.text(
    st.one_of(st.sampled_from("ab,;\"'\\\n\r\t \ufffd\x00\u2028\x85ä"), st.characters(codec="utf-8")), max_size=12
)


_LIKE_ROWS = st.lists(st.sampled_from(["1,Ann,a", '2,"b', ',"', '","', '"",x,"', "a,b,c,d", ""]), max_size=5)


_CELLS = st.one_of(_TEXTS, _LIKE_ROWS.map("\n".join), _LIKE_ROWS.map("\r\n".join))


_WRITERS: list[tuple[str, Literal[0, 1], str]] = [
    ("", csv.QUOTE_MINIMAL, "\n"),
    ("", csv.QUOTE_MINIMAL, "\r\n"),
    ("\ufeff", csv.QUOTE_MINIMAL, "\r\n"),
    ("", csv.QUOTE_ALL, "\r\n"),
]

"""Python's csv, with either end of line, a spreadsheet's and RFC 4180's."""


@st.composite
def _written(draw: st.DrawFn) -> tuple[list[list[str]], str]:
    """Rows, and the text that a writer makes of them."""
    rows = draw(st.lists(st.lists(_CELLS, min_size=3, max_size=3), max_size=12))
    mark, quoting, end = draw(st.sampled_from(_WRITERS))
    written = io.StringIO(newline="")
    for row in rows:
        if end == "\n":  # the writer puts quotes around its own end of line only
            row[:] = [value.replace("\r", "\n") for value in row]
    csv.writer(written, quoting=quoting, lineterminator=end).writerows([["a", "b", "c"], *rows])
    return rows, mark + written.getvalue()


@given(written=_written(), encoding=st.sampled_from(["utf-8", "utf-16", "gb18030"]), cut=st.integers(1, 40))
def test_every_text_survives(written: tuple[list[list[str]], str], encoding: str, cut: int) -> None:
    rows, text = written
    data = text.encode(encoding)
    blocks = (data[at : at + cut] for at in range(0, len(data), cut))
    pieces = delimited.decode_blocks(blocks, encoding, keep_ends=True)

    batches = list(read_texts(pieces, ("a", "b", "c"), Dialect(), source_file="f"))

    read = [tuple(value or "" for value in row.values()) for batch in batches for row in batch.rows.to_pylist()]
    assert read == [tuple(row) for row in rows]
    assert not any(batch.rejected.num_rows for batch in batches)


@given(
    written=_written(),
    extra=st.sampled_from(["more", '"x"y', '5" pipe']),
    broken=st.integers(0, 11),
)
def test_a_broken_row_makes_no_rows_of_its_cells(written: tuple[list[list[str]], str], extra: str, broken: int) -> None:
    """A row that gets a cell too many is refused, and all others are read or refused as they are."""
    rows, _ = written
    lines = [",".join('"' + value.replace('"', '""') + '"' for value in row) for row in rows]
    if broken < len(lines):
        lines[broken] += f",{extra}"

    batches = list(read_texts(["a,b,c\n", "\n".join(lines)], ("a", "b", "c"), Dialect(), source_file="f"))

    read = [[value or "" for value in row.values()] for batch in batches for row in batch.rows.to_pylist()]
    assert read == [row for place, row in enumerate(rows) if place != broken]


@given(
    text=st.text(st.sampled_from('a,"\n\r\\ '), max_size=60),
    cut=st.integers(1, 20),
    escape=st.sampled_from(['"', "\\", ""]),
    multi_line=st.booleans(),
)
def test_where_a_file_is_cut_changes_nothing(text: str, cut: int, escape: str, multi_line: bool) -> None:
    dialect = Dialect(escape=escape, multi_line=multi_line)

    def read(size: int) -> list[Any]:
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        try:
            batches = list(read_texts(pieces, ("a", "b"), dialect, source_file="f", has_header=False))
        except DataError as error:
            return [str(error)]
        rows = [row for batch in batches for row in (*batch.rows.to_pylist(), *batch.rejected.to_pylist())]
        return sorted(rows, key=str)

    assert read(cut) == read(max(len(text), 1))


@given(
    lines=st.lists(st.text(st.sampled_from('ab,"\n\r'), max_size=9), max_size=20),
    end=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 30),
    kind=st.sampled_from(["csv", "json"]),
)
def test_a_file_read_in_parts_is_the_file(lines: list[str], end: str, size: int, kind: Literal["csv", "json"]) -> None:
    def rows(part_bytes: int) -> list[Any]:
        with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
            patch.setattr("cdp_spark.ingest.reading.open.PART_BYTES", part_bytes)
            file = Path(folder, "a")
            file.write_bytes(end.join(["a,b", *lines]).encode())
            reading = open_files([file], format=kind, options={"multiLine": "false"})
            assert reading is not None
            try:
                batches = list(reading.batches())
            except DataError as error:
                return [error.got.split(" at ")[0]]
        found = [row for batch in batches for row in (*batch.rows.to_pylist(), *batch.rejected.to_pylist())]
        return sorted(found, key=str)

    assert rows(size) == rows(10_000)
