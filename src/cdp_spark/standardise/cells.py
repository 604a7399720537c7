"""From a source's columns to encoded columns by meaning.

Columns stay dictionary-encoded, so that every step costs what the distinct values cost. A meaning that no cell of the
batch has a text for is left out, and whatever follows leaves it out, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa

from cdp_spark.normalise.batches import encode, map_encoded, map_encoded_rows
from cdp_spark.normalise.placeholders import first_said, joined
from cdp_spark.normalise.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from cdp_spark.config.mapping import ColumnMapping
    from cdp_spark.standardise.mapping import RawMapping

Memo: TypeAlias = dict[tuple[object, ...], dict[Any, Any]]
"""Results of earlier batches: by function with its settings, and by value."""
Texts: TypeAlias = dict[str, pa.DictionaryArray]
"""Encoded columns by meaning."""


@dataclass(frozen=True)
class Batch:
    """Rows of one source.

    Args:
        cell: gives a source's column as text; None where the delivery has none.
        rows: how many.
        mapping: what the columns mean.
        as_of: today.
        max_age_years: years; an older birth date is invalid. None for no limit.
        memo: results of earlier batches.
    """

    cell: Callable[[str], pa.Array | None]
    rows: int
    mapping: RawMapping
    as_of: date
    max_age_years: int | None
    memo: Memo = field(default_factory=dict)

    def remembered(self, *function: object) -> dict[Any, Any]:
        """Return the results that a function, named with its settings, had before; new ones are added to them."""
        return self.memo.setdefault(function, {})


def read_texts(batch: Batch) -> Texts:
    """Return the batch's clean texts by meaning and type of identifier, contacts left out."""
    origins = {name: read_origin(batch, origin) for name, origin in batch.mapping.text_mappings().items()}
    cleaned = {
        name: map_encoded(cells, _clean, memo=batch.remembered(clean_text, name))
        for name, cells in origins.items()
        if cells is not None
    }
    return {name: text for name, text in cleaned.items() if has_values(text)}


def _clean(text: str) -> str | None:
    return clean_text(text) or None


def read_origin(batch: Batch, origin: ColumnMapping) -> pa.DictionaryArray | None:
    """Return a mapping's values as received; None where the batch has none.

    Several columns are glued, or the first that says something counts.
    """
    if origin.value is not None:
        return _constant(origin.value, batch.rows)
    columns = [encode(column) for name in origin.from_ if (column := batch.cell(name)) is not None]
    filled = [column for column in columns if has_values(column)]
    if not filled:
        return None
    if origin.join is not None:
        return map_encoded_rows(filled, partial(joined, origin.join))
    return filled[0] if len(filled) == 1 else map_encoded_rows(filled, first_said)


def _constant(text: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), pa.array([text]))


def has_values(column: pa.DictionaryArray) -> bool:
    """Tell whether any row of an encoded column may hold a value."""
    return bool(len(column) > column.indices.null_count and len(column.dictionary) > column.dictionary.null_count)


def one_value(column: pa.DictionaryArray) -> bool:
    """Tell whether all rows of an encoded column hold the same."""
    return bool(len(column.dictionary) == 1 and column.indices.null_count == 0)
