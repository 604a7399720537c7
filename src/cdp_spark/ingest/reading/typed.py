"""Typed columns (Parquet, and whatever else comes as Arrow) as text, once and for all.

Times are ISO 8601 in UTC, numbers in plain form, whole ones without `.0`, nested values JSON, bytes Base64.
"""

from __future__ import annotations

import base64
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cdp_spark.errors import DataError
from cdp_spark.ingest.reading.batch import MAX_ROWS, ReadBatch, rejected_table
from cdp_spark.ingest.reading.files import file_uri
from cdp_spark.ingest.reading.json_text import json_text, plain_number
from cdp_spark.normalise.batches import map_distinct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_LARGEST_WHOLE = 2.0**53
_LARGEST_PLAIN = 1e20
_SMALLEST_DIGITS = 18
_FIRST_MICROS, _END_MICROS = -62_135_596_800_000_000, 253_402_300_800_000_000
"""From the year 1 to the end of 9999, in microseconds since 1970."""
_SIMPLE_NAMES = {
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.uint8(): "smallint",
    pa.uint16(): "int",
    pa.uint32(): "bigint",
    pa.uint64(): "decimal(20,0)",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.null(): "void",
}


def read_parquet(file: Path, *, flatten: bool = False) -> Iterator[ReadBatch]:
    """Read a Parquet file's rows as text.

    Args:
        file: to be read.
        flatten: whether nested fields become columns, called by their paths.

    Raises:
        DataError: the file cannot be read as Parquet.
    """
    try:
        with pq.ParquetFile(file, coerce_int96_timestamp_unit="us") as opened:
            instants = _legacy_instants(opened)
            for batch in opened.iter_batches(batch_size=MAX_ROWS):
                table = pa.Table.from_batches([batch])
                rows = text_table(flat_table(table) if flatten else table, instants=instants)
                yield ReadBatch(rows, rejected_table([]), file_uri(file))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from None


def flat_table(rows: pa.Table) -> pa.Table:
    """Return a table whose nested fields are columns, called by their paths; lists stay as they are."""
    while any(pa.types.is_struct(field.type) for field in rows.schema):
        rows = rows.flatten()
    return rows


def parquet_columns(file: Path, *, flatten: bool = False) -> dict[str, str]:
    """Return a file's columns and their types, named as Spark names them.

    Args:
        file: to be read.
        flatten: as of `read_parquet`.

    Raises:
        DataError: the file cannot be read as Parquet.
    """
    try:
        with pq.ParquetFile(file) as opened:
            instants = _legacy_instants(opened)
            empty = opened.schema_arrow.empty_table()
            schema = flat_table(empty).schema if flatten else empty.schema
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, error) from None
    return {field.name: "timestamp" if field.name in instants else simple_type(field.type) for field in schema}


def text_table(rows: pa.Table, *, instants: Sequence[str] = ()) -> pa.Table:
    """Write all columns as text.

    Args:
        rows: of any types.
        instants: columns whose times are UTC though their type does not say so.
    """
    utc = pa.timestamp("us", "UTC")
    columns = [rows[at].cast(utc) if name in instants else rows[at] for at, name in enumerate(rows.column_names)]
    return pa.Table.from_arrays([text_column(column) for column in columns], names=rows.column_names)


def text_column(column: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Write a column's values as text; not-a-number becomes null."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return text_column(column.cast(kind.value_type))
    if pa.types.is_timestamp(kind):
        return _time_texts(column.cast(pa.timestamp("us", kind.tz), safe=False))
    if pa.types.is_floating(kind):
        return map_distinct(column, _float_text(np.float64 if pa.types.is_float64(kind) else np.float32))
    if _is_bytes(kind):
        return map_distinct(column, _base64)
    if pa.types.is_nested(kind):
        values = column.cast(_in_microseconds(kind), safe=False).to_pylist()
        return pa.array([None if it is None else json_text(_plain(it, kind)) for it in values], pa.string())
    return column.cast(pa.string())


def simple_type(kind: pa.DataType) -> str:
    """Name a type as Spark does: `bigint`, `decimal(10,2)`, `array<string>`."""
    if pa.types.is_nested(kind):
        return _nested_type(kind)
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp_ntz"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    return _SIMPLE_NAMES.get(kind, "binary" if _is_bytes(kind) else "string")


def _nested_type(kind: pa.DataType) -> str:
    if pa.types.is_map(kind):
        return f"map<{simple_type(kind.key_type)},{simple_type(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{','.join(f'{field.name}:{simple_type(field.type)}' for field in kind)}>"
    return f"array<{simple_type(kind.value_type)}>"


def _legacy_instants(opened: pq.ParquetFile) -> tuple[str, ...]:
    """Name the columns of Parquet's oldest type of times, which are UTC by convention."""
    columns = [opened.schema.column(at) for at in range(len(opened.schema))]
    return tuple(it.path for it in columns if it.physical_type == "INT96")


def _time_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write times as ISO 8601; one that no calendar of four digits has stays a number, which no reader takes."""
    numbers = column.cast(pa.int64())
    is_in_range = pc.and_(pc.greater_equal(numbers, _FIRST_MICROS), pc.less(numbers, _END_MICROS))
    texts = map_distinct(pc.if_else(is_in_range, column, None), _iso_utc if column.type.tz else _iso)
    return pc.if_else(is_in_range, texts, numbers.cast(pa.string()))


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    """Return a nested type with times in microseconds, which Python has."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_in_microseconds(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return (pa.list_ if pa.types.is_list(kind) else pa.large_list)(_in_microseconds(kind.value_type))
    return kind


def _iso(at: datetime) -> str:
    text = at.strftime("%H:%M:%S")
    fraction = f"{at.microsecond:06}".rstrip("0")
    return f"{at.date().isoformat()}T{text}{'.' if fraction else ''}{fraction}"


def _iso_utc(at: datetime) -> str:
    return f"{_iso(at.astimezone(UTC))}Z"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _float_text(shortest: type[np.floating[Any]]) -> Callable[[float], str | None]:
    """Return a function that writes a number with the fewest digits that its type needs."""

    def text_of(value: float) -> str | None:
        if not math.isfinite(value):
            return None if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        if value == math.floor(value) and abs(value) < _LARGEST_WHOLE:
            return str(int(value))
        exact = Decimal(str(shortest(value)))
        if abs(value) < _LARGEST_PLAIN:
            return plain_number(round(exact, _SMALLEST_DIGITS) if "E-" in str(exact) else exact)
        digits, exponent = f"{exact:e}".split("e")
        return f"{digits if '.' in digits else f'{digits}.0'}E{int(exponent)}"

    return text_of


def _plain(value: Any, kind: pa.DataType) -> Any:  # noqa: ANN401
    """Return a nested value as JSON has it; fields of an object that are null are left out."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        fields = {field.name: _plain(value[field.name], field.type) for field in kind}
        return {name: it for name, it in fields.items() if it is not None}
    if pa.types.is_map(kind):
        return {str(_plain(name, kind.key_type)): _plain(it, kind.item_type) for name, it in value}
    if _is_list(kind):
        return [_plain(it, kind.value_type) for it in value]
    return _plain_leaf(value)


def _plain_leaf(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%f}{'Z' if value.tzinfo else ''}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return _base64(value)
    return value if isinstance(value, (str, int, float, Decimal)) else str(value)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _unreadable(file: Path, error: Exception) -> DataError:
    got = f"a delivery that cannot be read as parquet ({type(error).__name__})"
    return DataError(f"file {file}", got=got, fix="check the source's path, format and options")
