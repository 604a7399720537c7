"""Clusters of pairs in memory, given by positions: connected components of the edges, refined by average linkage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.clustering.engines.labels import smallest_members
from cdp_spark.clustering.linkage.evidence import Constraints, as_pairs
from cdp_spark.clustering.linkage.refine import refine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cdp_spark.config.match import ClusteringConfig


def cluster_positions(
    size: int,
    ends: tuple[NDArray[np.int64], NDArray[np.int64]],
    weight_log2: NDArray[np.float64],
    deterministic: NDArray[np.bool_],
    *,
    config: ClusteringConfig,
    constraints: Constraints,
) -> NDArray[np.int64]:
    """Cluster records by their scored pairs.

    Args:
        size: records, in the order in which ties are broken.
        ends: positions of both records of each pair, each of shape (pairs,).
        weight_log2: match weight in bits, shape (pairs,).
        deterministic: pairs that join whatever their weight, shape (pairs,).
        config: threshold, weights and sizes.
        constraints: what never joins.
    Returns: each record's cluster, named by its smallest record, shape (size,).

    Raises:
        DataError: a pair that is not deterministic has no weight.
    """
    left, right = ends
    is_edge = deterministic | (weight_log2 >= config.threshold_log2)
    component = smallest_members(size, left[is_edge], right[is_edge])
    inside = component[left] == component[right]
    evidence = as_pairs(left[inside], right[inside], weight_log2[inside], deterministic[inside])
    found = refine(
        size,
        evidence,
        constraints,
        missing_weight=config.missing_weight,
        max_records=config.max_component_records,
    )
    return found.cluster
