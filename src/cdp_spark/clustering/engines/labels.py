"""Connected components in memory, by scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cdp_spark import columns as c

if TYPE_CHECKING:
    from numpy.typing import NDArray


def smallest_members(size: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Label each of `size` vertices with the smallest vertex of its connected component."""
    adjacency = coo_array((np.ones(len(left)), (left, right)), shape=(size, size))
    count, label = connected_components(adjacency, directed=False)
    smallest = np.full(count, size, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(size))
    return np.take(smallest, label)


def label_components(keys: pa.ChunkedArray, names: pa.ChunkedArray, ends: pa.Table) -> pa.Table:
    """Compute the components of a graph in Arrow memory.

    Args:
        keys: the vertices' record keys, each once.
        names: what the edges call each of them, in the same order: the keys themselves, or a number for each.
        ends: one row per edge, two names; null or unknown where the edge dangles.
    Returns: record_key and component, sorted by record_key.
    """
    order = pc.sort_indices(keys)
    sorted_keys, sorted_names = (pc.take(it, order).combine_chunks() for it in (keys, names))
    left, right = (pc.index_in(side, value_set=sorted_names) for side in ends.columns)
    known = pc.and_(left.is_valid(), right.is_valid())
    smallest = smallest_members(len(sorted_keys), _known_positions(left, known), _known_positions(right, known))
    return pa.table({c.RECORD_KEY: sorted_keys, c.COMPONENT: pc.take(sorted_keys, pa.array(smallest))})


def _known_positions(positions: pa.ChunkedArray, known: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.filter(positions, known), dtype=np.int64)
