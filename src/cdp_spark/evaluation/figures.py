"""Pairwise and B-cubed precision and recall of clusters, by counting, without making pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark.report.accuracy import f1_of, pairs_expr

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

RECORD = "record_id"
ENTITY = "entity_id"
CLUSTER = "cluster_id"
_SIZE, _LONE = "size", "lone"


@dataclass(frozen=True)
class Share:
    """Precision and recall of one way of counting."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return f1_of(self.precision, self.recall)


@dataclass(frozen=True)
class ClusterFigures:
    """How well records were put together, over the records that the truth names.

    Args:
        records: that the truth names.
        missing: of them without a cluster; each counts as a cluster of its own.
        entities: in the truth.
        clusters: of these records.
        true_pairs: of records about one entity.
        found_pairs: of records in one cluster.
        correct_pairs: that are both.
        b_cubed: mean over the records of the share of its cluster that is about its entity (precision), and of its
            entity that is in its cluster (recall). Source: Bagga & Baldwin 1998.
        largest_cluster: records.
        largest_entity: records.
    """

    records: int
    missing: int
    entities: int
    clusters: int
    true_pairs: int
    found_pairs: int
    correct_pairs: int
    b_cubed: Share
    largest_cluster: int
    largest_entity: int

    @property
    def pairwise(self) -> Share:
        """Over pairs; precision 1 where none was found, recall 1 where there is none."""
        return pair_share(self.correct_pairs, found=self.found_pairs, true=self.true_pairs)


def pair_share(correct: int, *, found: int, true: int) -> Share:
    """Precision and recall of pairs; precision 1 where none was found, recall 1 where there is none."""
    return Share(correct / found if found else 1.0, correct / true if true else 1.0)


def measure_clusters(judged: DataFrame) -> ClusterFigures:
    """Compare clusters with a truth (two small aggregates and an action).

    Args:
        judged: one row per record of the truth: record_id, entity_id, cluster_id or null.
    """
    cells = build_cells(judged)
    clusters = cells.groupBy(CLUSTER, _LONE).agg(F.sum(_SIZE).alias("in_cluster"))
    entities = cells.groupBy(ENTITY).agg(F.sum(_SIZE).alias("in_entity"))
    same_cluster = [F.col(f"left.{name}").eqNullSafe(F.col(f"right.{name}")) for name in (CLUSTER, _LONE)]
    sized = cells.alias("left").join(clusters.alias("right"), on=same_cluster[0] & same_cluster[1], how="inner")
    sized = sized.select("left.*", "in_cluster").join(entities, on=ENTITY, how="inner")
    square = F.col(_SIZE).cast("double") * F.col(_SIZE)
    correct = sized.agg(
        F.sum(_SIZE),
        F.sum(F.when(F.col(_LONE).isNotNull(), F.col(_SIZE)).otherwise(0)),
        F.sum(pairs_expr(F.col(_SIZE))),
        F.sum(square / F.col("in_cluster")),
        F.sum(square / F.col("in_entity")),
    )
    totals = [*correct.collect()[0], *_totals(clusters, "in_cluster"), *_totals(entities, "in_entity")]
    records, missing, correct_pairs, right, complete, *sides = (it or 0 for it in totals)
    return ClusterFigures(
        records=int(records),
        missing=int(missing),
        entities=int(sides[3]),
        clusters=int(sides[0]),
        true_pairs=int(sides[4]),
        found_pairs=int(sides[1]),
        correct_pairs=int(correct_pairs),
        b_cubed=Share(right / records, complete / records) if records else Share(1.0, 1.0),
        largest_cluster=int(sides[2]),
        largest_entity=int(sides[5]),
    )


def build_cells(judged: DataFrame) -> DataFrame:
    """The contingency table of clusters and entities.

    Returns: one row per entity and cluster that have records in common: entity_id, cluster_id, lone (the record_id of
        one without a cluster), size.
    """
    lone = F.when(F.col(CLUSTER).isNull(), F.col(RECORD)).alias(_LONE)
    known = judged.where(F.col(ENTITY).isNotNull())
    return known.groupBy(ENTITY, CLUSTER, lone).agg(F.count(F.lit(1)).alias(_SIZE))


def _totals(groups: DataFrame, size: str) -> tuple[int, int, int]:
    """How many groups, pairs inside them, records of the largest."""
    row = groups.agg(F.count(F.lit(1)), F.sum(pairs_expr(F.col(size))), F.max(size)).collect()[0]
    return row[0], row[1] or 0, row[2] or 0
