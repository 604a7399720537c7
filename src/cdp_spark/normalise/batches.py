"""Apply a function of values to Arrow columns: to each distinct value once.

A column is dictionary-encoded, the function sees the distinct values, and the results are put back by `take`. A memo
keeps results from one batch to the next. A column that goes through several functions stays encoded between them
(`map_encoded`); a function with several results gives several columns (`map_fields`). Those results are plain tuples:
Python's search for cycles leaves tuples of texts alone, but not those with a class of their own.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Column: TypeAlias = pa.Array | pa.ChunkedArray

MEMO_VALUES = 200_000
"""A memo that holds more results than this is emptied: a column of nearly distinct values gains nothing by it."""


def map_distinct(
    column: Column,
    function: Callable[[Any], Any],
    kind: pa.DataType | None = None,
    *,
    memo: dict[Any, Any] | None = None,
) -> pa.Array:
    """Apply a function to each distinct value; a null stays null.

    Args:
        column: any number of rows.
        function: of a value that is not null.
        kind: Arrow type of the results; text without it.
        memo: results of earlier batches, by value; of the same function.
    Returns: one result a row.
    """
    encoded = encode(column)
    results = _results(encoded.dictionary.to_pylist(), function, memo)
    return pa.array(results, kind or pa.string()).take(encoded.indices)


def map_distinct_rows(
    columns: Sequence[Column],
    function: Callable[..., Any],
    kind: pa.DataType | None = None,
    *,
    memo: dict[Any, Any] | None = None,
) -> pa.Array:
    """Apply a function to each distinct combination of several columns' values, nulls (as None) included.

    Args:
        columns: of one length, at least one.
        function: of as many values as there are columns.
        kind: Arrow type of the results; text without it.
        memo: results of earlier batches, by combination.
    Returns: one result a row.
    """
    codes, combinations = distinct_rows(columns)
    results = _results(combinations, lambda values: function(*values), memo)
    return pa.array(results, kind or pa.string()).take(pa.array(codes))


def map_encoded(
    column: Column, function: Callable[[str], str | None], *, memo: dict[Any, Any] | None = None
) -> pa.DictionaryArray:
    """Do what `map_distinct` does, and leave the result encoded for the next function.

    The dictionary may hold a text twice, and nulls: two values may have one result.
    """
    encoded = encode(column)
    results = _results(encoded.dictionary.to_pylist(), function, memo)
    return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(results, pa.string()))


def map_encoded_rows(
    columns: Sequence[Column], function: Callable[..., str | None], *, memo: dict[Any, Any] | None = None
) -> pa.DictionaryArray:
    """Do what `map_distinct_rows` does, and leave the result encoded for the next function."""
    codes, combinations = distinct_rows(columns)
    results = _results(combinations, lambda values: function(*values), memo)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(results, pa.string()))


def map_fields(
    column: Column,
    function: Callable[[str], Sequence[Any]],
    kinds: Sequence[pa.DataType],
    *,
    memo: dict[Any, Any] | None = None,
) -> list[pa.Array]:
    """Apply a function with several results to each distinct value; of a null, all results are null.

    Args:
        column: any number of rows.
        function: of a value that is not null.
        kinds: Arrow types of the results.
        memo: results of earlier batches, by value; of the same function.
    Returns: one column a result.
    """
    encoded = encode(column)
    results = _results(encoded.dictionary.to_pylist(), lambda value: tuple(function(value)), memo)
    return _fields(results, kinds, encoded.indices)


def map_row_fields(
    columns: Sequence[Column],
    function: Callable[..., Sequence[Any]],
    kinds: Sequence[pa.DataType],
    *,
    memo: dict[Any, Any] | None = None,
) -> list[pa.Array]:
    """Do what `map_fields` does, for each distinct combination of several columns' values, nulls (as None) included."""
    codes, combinations = distinct_rows(columns)
    results = _results(combinations, lambda values: tuple(function(*values)), memo)
    return _fields(results, kinds, pa.array(codes))


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """Keep Python from looking for cycles among many new values, which have none; it takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _fields(results: list[Any], kinds: Sequence[pa.DataType], indices: pa.Array) -> list[pa.Array]:
    nothing = (None,) * len(kinds)
    fields = list(zip(*(result or nothing for result in results), strict=True)) or [()] * len(kinds)
    return [_array(values, kind).take(indices) for values, kind in zip(fields, kinds, strict=True)]


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Make a column; one of lists from its items in one piece, which is much faster, and with [] for None."""
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    lists = [value or () for value in values]
    offsets = np.concatenate([[0], np.cumsum(np.fromiter(map(len, lists), dtype=np.int32, count=len(lists)))])
    items, item = list(chain.from_iterable(lists)), kind.value_type
    if pa.types.is_struct(item):
        columns = list(zip(*items, strict=True)) or [()] * item.num_fields
        arrays = [pa.array(column, part.type) for column, part in zip(columns, item, strict=True)]
        return pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(arrays, fields=list(item))
        )
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(items, item))


def distinct_rows(columns: Sequence[Column]) -> tuple[NDArray[np.int64], list[tuple[Any, ...]]]:
    """Number the distinct combinations of several columns' values.

    Returns: the number of each row's combination, shape (rows,), and the combinations by number.
    """
    encoded = [encode(column) for column in columns]
    if len(encoded) == 1:
        only = encoded[0]
        codes = np.asarray(pc.fill_null(only.indices, len(only.dictionary)), dtype=np.int64)
        return codes, [(value,) for value in (*only.dictionary.to_pylist(), None)]
    code = np.zeros(len(encoded[0]), dtype=np.int64)
    for column in encoded:
        own = np.asarray(pc.fill_null(column.indices, len(column.dictionary)), dtype=np.int64)
        code = code * (len(column.dictionary) + 1) + own
        _, first, code = np.unique(code, return_index=True, return_inverse=True)
    rows = pa.array(first)
    values = [column.dictionary.take(column.indices.take(rows)).to_pylist() for column in encoded]
    return code, list(zip(*values, strict=True))


def _results(values: list[Any], function: Callable[[Any], Any], memo: dict[Any, Any] | None) -> list[Any]:
    if memo is None:
        return [None if value is None else function(value) for value in values]
    if len(memo) > MEMO_VALUES:
        memo.clear()
    for value in values:
        if value is not None and value not in memo:
            memo[value] = function(value)
    return [None if value is None else memo[value] for value in values]


def as_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Put a column into one array; most functions of Arrow give chunks where they were given chunks."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def encode(column: Column) -> pa.DictionaryArray:
    """Dictionary-encode a column in one chunk; one that is encoded already stays as it is."""
    encoded = column.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded if isinstance(encoded, pa.DictionaryArray) else encoded.chunk(0)


def decode(column: pa.DictionaryArray) -> pa.Array:
    """Return the values of an encoded column, one a row."""
    return column.dictionary.take(column.indices)


def as_lists(values: pa.Array) -> pa.Array:
    """Make a list of each value: of one item, or empty where the value is null."""
    is_there = pc.is_valid(values)
    offsets = np.concatenate([[0], np.cumsum(is_there.to_numpy(zero_copy_only=False))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values.filter(is_there))


def join_lists(lists: Sequence[pa.Array]) -> pa.Array:
    """Join several columns of lists row by row; a null is an empty list.

    Args:
        lists: of one type and length, at least one.
    """
    parts = [(pc.fill_null(pc.list_value_length(it), 0).to_numpy(zero_copy_only=False), it.flatten()) for it in lists]
    sizes = np.stack([lengths for lengths, _ in parts])
    offsets = np.concatenate([[0], np.cumsum(sizes.sum(axis=0))])
    starts = offsets[:-1] + np.cumsum(sizes, axis=0) - sizes
    sources = np.empty(offsets[-1], dtype=np.int64)
    taken = 0
    for (lengths, values), start in zip(parts, starts, strict=True):
        first = np.cumsum(lengths) - lengths
        place = np.arange(len(values)) + np.repeat(start - first, lengths)
        sources[place] = np.arange(taken, taken + len(values))
        taken += len(values)
    values = pa.concat_arrays([values for _, values in parts]).take(pa.array(sources))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def local_days(moments: pa.Array | pa.ChunkedArray, time_zone: str) -> pa.Array | pa.ChunkedArray:
    """The day of each time in a zone, as date32.

    Args:
        moments: timestamps in UTC.
        time_zone: its name.
    """
    return pc.local_timestamp(moments.cast(pa.timestamp("us", time_zone))).cast(pa.date32(), safe=False)
