"""Pairwise and B-cubed precision, recall and F1 of a clustering against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """How good a clustering is.

    Args:
        precision: share of joined pairs that belong together.
        recall: share of the true pairs that were joined.
        bcubed_precision: mean over records (Bagga & Baldwin 1998).
        bcubed_recall: mean over records.
    """

    precision: float
    recall: float
    bcubed_precision: float
    bcubed_recall: float

    @property
    def f1(self) -> float:
        """Pairwise F1."""
        return _f1(self.precision, self.recall)

    @property
    def bcubed_f1(self) -> float:
        """B-cubed F1."""
        return _f1(self.bcubed_precision, self.bcubed_recall)


def score(clusters: Path, truth: Path) -> Scores:
    """Score record_id, cluster_id against record_id, entity_id; a record without a cluster is one of its own."""
    true, found = pq.read_table(truth), pq.read_table(clusters)
    joined = true.join(found.select(["record_id", "cluster_id"]), keys="record_id", join_type="left outer")
    entity = _codes(joined["entity_id"])
    cluster = _codes(joined["cluster_id"])
    alone = cluster < 0
    cluster[alone] = cluster.max(initial=0) + 1 + np.arange(int(alone.sum()))
    _, cell, together = np.unique(entity * (int(cluster.max()) + 1) + cluster, return_inverse=True, return_counts=True)
    per_entity, per_cluster = np.bincount(entity), np.bincount(cluster)
    right = _pairs(together)
    return Scores(
        precision=right / max(_pairs(per_cluster), 1),
        recall=right / max(_pairs(per_entity), 1),
        bcubed_precision=float(np.mean(together[cell] / per_cluster[cluster])),
        bcubed_recall=float(np.mean(together[cell] / per_entity[entity])),
    )


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    indices = column.combine_chunks().dictionary_encode().indices.fill_null(-1)
    return np.asarray(indices.to_numpy(zero_copy_only=False), dtype=np.int64).copy()


def _pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes.astype(np.int64) * (sizes - 1) // 2).sum())


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
