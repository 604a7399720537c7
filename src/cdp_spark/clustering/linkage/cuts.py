"""Say why a pair above the threshold was not used."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.clustering.linkage.evidence import Constraints, Pairs
    from cdp_spark.clustering.linkage.refine import Refinement


class CutReason(StrEnum):
    """Why the clusters of a pair's two records did not join; where several apply, the first."""

    CANNOT_LINK = "cannot_link"
    UNIQUE_VALUE = "unique_value"
    UNIQUE_SOURCE = "unique_source"
    LARGE_COMPONENT = "large_component"
    AVERAGE_LINKAGE = "average_linkage"


@dataclass(frozen=True)
class Cuts:
    """The pairs that were not used.

    Args:
        pairs: the cut pairs.
        reason: a CutReason per pair.
    """

    pairs: Pairs
    reason: NDArray[np.str_]


def find_cuts(pairs: Pairs, refinement: Refinement, constraints: Constraints, *, is_edge: NDArray[np.bool_]) -> Cuts:
    """Find the edges whose ends are in different clusters.

    Args:
        pairs: the known pairs.
        refinement: what `refine` made of them.
        constraints: what forbade clusters to join.
        is_edge: per pair, whether its weight alone would join it.
    """
    cluster, piece = refinement.cluster, refinement.piece
    cut = pairs.where(is_edge & (cluster[pairs.left] != cluster[pairs.right]))
    left, right = cluster[cut.left], cluster[cut.right]
    reason = np.full(len(left), CutReason.AVERAGE_LINKAGE.value, dtype="U16")
    reason[piece[cut.left] != piece[cut.right]] = CutReason.LARGE_COMPONENT.value
    for codes in constraints.must_differ:
        reason[_share_a_value(left, right, cluster, codes)] = CutReason.UNIQUE_SOURCE.value
    for codes in constraints.must_agree:
        value = _cluster_value(cluster, codes)
        reason[(value[left] >= 0) & (value[right] >= 0) & (value[left] != value[right])] = CutReason.UNIQUE_VALUE.value
    reason[_cannot_link(left, right, cluster, constraints.cannot_link)] = CutReason.CANNOT_LINK.value
    return Cuts(cut, reason)


def _cannot_link(
    left: NDArray[np.int64], right: NDArray[np.int64], cluster: NDArray[np.int64], links: NDArray[np.int64]
) -> NDArray[np.bool_]:
    ends = cluster[links]
    return np.isin(_unordered(left, right, len(cluster)), _unordered(ends[:, 0], ends[:, 1], len(cluster)))


def _unordered(left: NDArray[np.int64], right: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    return np.minimum(left, right) * size + np.maximum(left, right)


def _cluster_value(cluster: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.int64]:
    value = np.full(len(cluster), -1, dtype=np.int64)
    np.maximum.at(value, cluster, codes)
    return value


def _share_a_value(
    left: NDArray[np.int64], right: NDArray[np.int64], cluster: NDArray[np.int64], codes: NDArray[np.int64]
) -> NDArray[np.bool_]:
    coded = codes >= 0
    shape = (len(cluster), int(codes.max(initial=-1)) + 1)
    values = csr_array((np.ones(int(coded.sum())), (cluster[coded], codes[coded])), shape=shape)
    return np.asarray(values[left].multiply(values[right]).sum(axis=1)).ravel() > 0
