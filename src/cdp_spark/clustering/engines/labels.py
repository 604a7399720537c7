"""Labels of connected vertices, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray


def smallest_members(size: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Label each of `size` vertices with the smallest vertex of its connected component."""
    adjacency = coo_array((np.ones(len(left)), (left, right)), shape=(size, size))
    count, label = connected_components(adjacency, directed=False)
    smallest = np.full(count, size, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(size))
    return np.take(smallest, label)
