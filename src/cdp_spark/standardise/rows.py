"""From source rows as they lie in bronze, maps of column to text, to clean rows.

A batch is split by source. The maps' keys are dictionary-encoded once, and a column is taken from the flat values by
the places of its key, so that a row costs nothing but the columns that its mapping names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.normalise.batches import encode
from cdp_spark.standardise.cleaning import clean_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from cdp_spark.standardise.cells import Memo
    from cdp_spark.standardise.mapping import RawMapping


def clean_batches(
    batches: Iterable[pa.RecordBatch], mappings: Mapping[str, RawMapping], *, as_of: date
) -> Iterator[pa.RecordBatch]:
    """Clean batches of source rows.

    Args:
        batches: `source`, `row` (map of column to text), and columns to carry.
        mappings: by source; rows of other sources are left out.
        as_of: today.
    Yields: the carried columns, `source` among them, and what `clean_rows` gives; a source's rows stay in order.
    """
    memo: Memo = {}
    for batch in batches:
        for source in pc.unique(batch.column(c.SOURCE)).to_pylist():
            if source in mappings:
                rows = batch.filter(pc.equal(batch.column(c.SOURCE), source))
                cell = map_cells(rows.column(c.ROW))
                cleaned = clean_rows(cell, rows.num_rows, mappings[source], as_of=as_of, memo=memo)
                yield beside(rows.drop_columns([c.ROW]), cleaned)


def beside(carried: pa.RecordBatch, cleaned: pa.Table) -> pa.RecordBatch:
    """Put clean columns beside the columns that rows carry through."""
    columns = [*carried.columns, *(column.combine_chunks() for column in cleaned.columns)]
    return pa.RecordBatch.from_arrays(columns, names=[*carried.schema.names, *cleaned.column_names])


def map_cells(maps: pa.MapArray) -> Callable[[str], pa.Array | None]:
    """Return a function that gives the column of a key; None where no map has it.

    Args:
        maps: column to text, one map a row.
    """
    offsets = maps.offsets.to_numpy()
    first, last, rows = int(offsets[0]), int(offsets[-1]), len(maps)
    keys, items = encode(maps.keys.slice(first, last - first)), maps.items.slice(first, last - first)
    codes = keys.indices.to_numpy(zero_copy_only=False)
    row_of_entry = np.repeat(np.arange(rows), np.diff(offsets))
    code_of = {name: code for code, name in enumerate(keys.dictionary.to_pylist())}

    def cell(name: str) -> pa.Array | None:
        if name not in code_of:
            return None
        entries = np.flatnonzero(codes == code_of[name])
        places = np.full(rows, -1)
        places[row_of_entry[entries]] = entries
        return items.take(pa.array(places, mask=places < 0))

    return cell
