"""Refine a batch of components: those in which nothing is disputed at once, the others each in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.clustering.linkage.agglomerate import agglomerate
from cdp_spark.clustering.linkage.evidence import UNITS_PER_BIT
from cdp_spark.clustering.linkage.pieces import disputed_parts, label_pieces, undisputed_pieces
from cdp_spark.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cdp_spark.clustering.linkage.evidence import Constraints, Pairs


@dataclass(frozen=True)
class Refinement:
    """Clusters of a batch, each named by its smallest record.

    Args:
        cluster: each record's cluster.
        piece: each record's piece; clusters of two pieces were never weighed against each other.
    """

    cluster: NDArray[np.int64]
    piece: NDArray[np.int64]


def refine(size: int, pairs: Pairs, constraints: Constraints, *, missing_weight: float, max_records: int) -> Refinement:
    """Join records until no two parts that may join have a positive mean weight.

    Args:
        size: records in the batch, in the order in which ties are broken.
        pairs: the known pairs; a pair that is not known counts `missing_weight`.
        constraints: what never joins.
        missing_weight: bits; negative, so that parts without any known pair never join.
        max_records: a component larger than this is cut by weight first.
    Raises: ConfigError: `missing_weight` is not negative.
    """
    missing = missing_units(missing_weight)
    piece = label_pieces(size, pairs, max_records=max_records)
    inside = pairs.where(piece[pairs.left] == piece[pairs.right])
    disputed = ~undisputed_pieces(piece, inside, constraints, missing=missing)
    cluster = piece.copy()
    for records, parts in disputed_parts(piece, disputed, inside, constraints, missing=missing):
        cluster[records] = records[agglomerate(parts, missing=missing)]
    return Refinement(cluster, piece)


def missing_units(missing_weight: float) -> int:
    """Scale the weight of a pair that was never compared.

    Raises: ConfigError: it is not negative, so that strangers would join.
    """
    units = round(missing_weight * UNITS_PER_BIT)
    if units >= 0:
        raise ConfigError(
            "clustering.missing_weight", got=str(missing_weight), allowed="a negative number of bits", fix="use -0.5"
        )
    return units
