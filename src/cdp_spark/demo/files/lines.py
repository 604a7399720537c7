"""Rows as lines of CSV and JSON text, whole or malformed."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp_spark.demo.words import Columns, join

if TYPE_CHECKING:
    import numpy as np

_IMPOSSIBLE_TIME = "2025-13-45 99:61"
_JSON_ESCAPES = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


@dataclass(frozen=True)
class Format:
    """How a source's files are written.

    Args:
        kind: csv, JSON lines or parquet.
        suffix: of the file's name.
        delimiter: of CSV cells.
        encoding: of text; `utf-8-sig` writes a byte order mark.
    """

    kind: Literal["csv", "json", "parquet"]
    suffix: str
    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def gzipped(self) -> bool:
        """Whether the file is compressed by gzip."""
        return self.suffix.endswith(".gz")


def csv_cells(columns: Columns, delimiter: str) -> list[pa.Array]:
    """Write values as CSV cells, quoted where they need it.

    Args:
        columns: text, numbers or booleans; null becomes an empty cell.
        delimiter: one character.
    Returns: the columns as text without nulls.
    """
    cells = [pc.fill_null(pc.cast(values, pa.string()), "") for values in columns.values()]
    return [_quoted(cell, rf'["\r\n{delimiter}]') for cell in cells]


def _quoted(cells: pa.Array, special: str) -> pa.Array:
    needs = pc.match_substring_regex(cells, special)
    return pc.if_else(needs, join('"', pc.replace_substring(cells, '"', '""'), '"'), cells)


def json_members(columns: Columns) -> list[pa.Array]:
    """Write values as members of a JSON object.

    Args:
        columns: text, numbers or booleans.
    Returns: texts such as `"email":"a@b.example"`; null where the value is null, so that the key will be absent.
    """
    return [join(f'"{name}":', _json_values(values)) for name, values in columns.items()]


def _json_values(values: pa.Array) -> pa.Array:
    if not pa.types.is_string(values.type):
        return pc.cast(values, pa.string())
    for character, escaped in _JSON_ESCAPES:
        values = pc.replace_substring(values, character, escaped)
    return join('"', values, '"')


def text_lines(columns: Columns, form: Format) -> list[str]:
    """Write rows as lines, without a header.

    Args:
        columns: the rows.
        form: csv or json.
    Returns: one text a row, without its line end.
    """
    if form.kind == "csv":
        lines: list[str] = join(*csv_cells(columns, form.delimiter), separator=form.delimiter).to_pylist()
        return lines
    members = pc.binary_join_element_wise(*json_members(columns), ",", null_handling="skip")
    objects: list[str] = join("{", members, "}").to_pylist()
    return objects


def malformed_lines(columns: Columns, form: Format, *, key: str, time: str) -> list[str]:
    """Write each row with one defect, the defects in turn.

    Args:
        columns: good rows; they are also delivered whole.
        form: csv or json.
        key: the column that identifies a row.
        time: a column with a time.
    Returns: too short, too long, impossible time and no key for CSV; cut off, no object, impossible time and no key
        for JSON.
    """
    no_key = columns | {key: pa.nulls(len(columns[key]), columns[key].type)}
    no_time = columns | {time: pa.array([_IMPOSSIBLE_TIME] * len(columns[key]), pa.string())}
    lines = text_lines(columns, form)
    if form.kind == "csv":
        short = text_lines(dict(list(columns.items())[:-2]), form)
        long = [f"{line}{form.delimiter}surplus{form.delimiter}surplus" for line in lines]
    else:
        short = [line[: 2 * len(line) // 3] for line in lines]
        long = ["<html><body>502 Bad Gateway</body></html>"] * len(lines)
    defects = (short, long, text_lines(no_time, form), text_lines(no_key, form))
    return [defects[row % len(defects)][row] for row in range(len(lines))]


def unclosed_quote_lines(columns: Columns, form: Format) -> list[str]:
    """Write rows of which the second opens a quote that nothing closes.

    Args:
        columns: a few good rows; they are also delivered whole.
        form: csv.
    Returns: one text a row.
    """
    lines = [line.replace('"', "").replace("\n", " ") for line in text_lines(columns, form)]
    key, _, rest = lines[1].partition(form.delimiter)
    return [lines[0], f'{key}{form.delimiter}"{rest}', *lines[2:]]


def shuffled_in(rng: np.random.Generator, lines: list[str], others: list[str]) -> list[str]:
    """Put other lines at random places among the lines.

    Args:
        rng: the random stream.
        lines: kept in their order.
        others: what is put in.
    Returns: all lines.
    """
    places = sorted(rng.integers(0, len(lines) + 1, len(others)).tolist(), reverse=True)
    for place, other in zip(places, others, strict=True):
        lines.insert(place, other)
    return lines


def text_bytes(lines: list[str], columns: Columns, form: Format) -> bytes:
    """Encode lines as a file.

    Args:
        lines: without line ends.
        columns: name the header of a CSV file.
        form: encoding and compression; letters that the encoding lacks become `?`.
    Returns: the file's bytes, the same for the same lines.
    """
    header = [form.delimiter.join(columns)] if form.kind == "csv" else []
    raw = "\n".join([*header, *lines, ""]).encode(form.encoding, errors="replace")
    return gzip.compress(raw, compresslevel=1, mtime=0) if form.gzipped else raw


def parquet_bytes(columns: Columns) -> bytes:
    """Encode rows as a Parquet file.

    Args:
        columns: the rows with their types.
    Returns: the file's bytes, the same for the same rows.
    """
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="snappy", store_schema=False, coerce_timestamps="us")
    return sink.getvalue()
