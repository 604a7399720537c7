"""What is known about a batch of records: the weights of their pairs, and which of them never join."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLIP_BITS = 12.0
UNITS_PER_BIT = 1 << 16
"""Weights are summed as integers, so that neither ties nor sums depend on the order of the pairs."""
MUST_JOIN = 1 << 62
"""Weight of a deterministic pair, in units: outweighs any sum of clipped weights, so it joins first."""


@dataclass(frozen=True)
class Pairs:
    """Scored pairs, each once; positions in the batch, left < right.

    Args:
        left: position of the smaller record.
        right: position of the larger record.
        weight: match weight in units of 1/65536 bit, clipped, or MUST_JOIN.
        row: where the pair stood in the input.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    weight: NDArray[np.int64]
    row: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> Pairs:
        """Keep the chosen pairs."""
        return Pairs(self.left[chosen], self.right[chosen], self.weight[chosen], self.row[chosen])


@dataclass(frozen=True)
class Constraints:
    """What forbids two parts to join, whatever their weight.

    Args:
        cannot_link: one row of two positions per forbidden pair, smaller first.
        must_agree: per constraint a code per record, such as of a national id; different codes never join.
        must_differ: per constraint a code per record, such as of a duplicate-free source; equal codes never join.
            A code of -1 is no value and forbids nothing.
    """

    cannot_link: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    must_agree: tuple[NDArray[np.int64], ...] = ()
    must_differ: tuple[NDArray[np.int64], ...] = ()


def as_pairs(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    weight_log2: NDArray[np.float64],
    deterministic: NDArray[np.bool_],
) -> Pairs:
    """Order, clip and scale the pairs; of a pair given twice the larger weight counts, of a record with itself none.

    Raises: DataError: a pair that is not deterministic has no weight.
    """
    unweighted = int(np.count_nonzero(np.isnan(weight_log2) & ~deterministic))
    if unweighted:
        raise DataError("pair_scores.weight_log2", got=f"null or NaN in {unweighted} pairs", allowed="a number of bits")
    units = np.rint(np.clip(np.nan_to_num(weight_log2), -CLIP_BITS, CLIP_BITS) * UNITS_PER_BIT).astype(np.int64)
    weight = np.where(deterministic, MUST_JOIN, units)
    low, high = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((-weight, high, low))
    pairs = Pairs(low[order], high[order], weight[order], order)
    repeated = (np.diff(pairs.left, prepend=-1) == 0) & (np.diff(pairs.right, prepend=-1) == 0)
    return pairs.where(~repeated & (pairs.left != pairs.right))


def as_links(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order the cannot-links, each once; a record is never kept from itself."""
    links = np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1)
    return np.unique(links[links[:, 0] != links[:, 1]], axis=0)
