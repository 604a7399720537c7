"""Apply a function of values to Arrow columns: to each distinct value once.

A column is dictionary-encoded, the function sees the distinct values, and the results are put back by `take`. A memo
keeps results from one batch to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    encoded = _encoded(column)
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


def distinct_rows(columns: Sequence[Column]) -> tuple[NDArray[np.int64], list[tuple[Any, ...]]]:
    """Number the distinct combinations of several columns' values.

    Returns: the number of each row's combination, shape (rows,), and the combinations by number.
    """
    encoded = [_encoded(column) for column in columns]
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


def _encoded(column: Column) -> pa.DictionaryArray:
    encoded = column.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded if isinstance(encoded, pa.DictionaryArray) else encoded.chunk(0)
