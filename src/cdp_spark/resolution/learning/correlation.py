"""Comparisons that say the same thing twice: they agree together where people differ, and are to count once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CORRELATED = 0.5
"""Correlation of agreement above which two comparisons share their weight."""
_CHANCE = 40.0
"""Agreements that a record needs with all others before chance, and not its own duplicates, makes most of them."""
_FEWEST_AGREEMENTS = 50.0
_DIFFERENT = 1


def shared_weights(correlation: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Part of its bits that each comparison keeps, 1 / (1 + its correlations above the limit); None where all keep all.

    Of n copies of one comparison each keeps 1/n: together they count once. In between it is the design effect of
    correlated observations (Kish 1965, Survey Sampling, section 5.4).

    Args:
        correlation: shape (comparisons, comparisons), zero on the diagonal.
    """
    excess = np.where(correlation > CORRELATED, correlation, 0.0).sum(axis=1)
    return 1.0 / (1.0 + excess) if excess.any() else None


def correlate(levels: NDArray[np.int64], *, records: int) -> NDArray[np.float64]:
    """Correlation of agreement among random pairs, shape (comparisons, comparisons); zero on the diagonal.

    Nearly all random pairs are of two people. But what hardly anyone shares, such as an e-mail, agrees in the few that
    are of one: such comparisons correlate with nothing here.

    Args:
        levels: of random pairs, shape (pairs, comparisons); only pairs with both values known count.
        records: that the pairs were drawn from.
    """
    known = (levels > 0).astype(np.float64)
    agrees = (levels > _DIFFERENT).astype(np.float64)
    pairs = np.maximum(known.T @ known, 1.0)
    first = agrees.T @ known / pairs
    joint = agrees.T @ agrees / pairs
    spread = np.sqrt(first * (1 - first) * first.T * (1 - first.T))
    rarest = np.minimum(first, first.T)
    by_chance = (rarest * records >= _CHANCE) & (rarest * pairs >= _FEWEST_AGREEMENTS) & (spread > 0)
    found = np.divide(joint - first * first.T, spread, out=np.zeros_like(joint), where=by_chance)
    np.fill_diagonal(found, 0.0)
    return found
