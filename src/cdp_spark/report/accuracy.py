"""Pairwise precision and recall against a truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

TRUE_ID = "entity_id"
"""The truth's column that says whom a record is about."""
_FIGURES = ("records", "missing", "entities", "found", "true_pairs", "found_pairs", "correct_pairs")


@dataclass(frozen=True)
class Accuracy:
    """How well the records of an entity type were put together, over the records that the truth names.

    Args:
        entity_type: person or account.
        records: that the truth names.
        missing: records of them that got no unified id; their true pairs count as not found.
        entities: in the truth.
        found: unified ids.
        true_pairs: of records about one entity.
        found_pairs: of records with one unified id.
        correct_pairs: that are both.
    """

    entity_type: str
    records: int
    missing: int
    entities: int
    found: int
    true_pairs: int
    found_pairs: int
    correct_pairs: int

    @property
    def precision(self) -> float:
        """Share of the found pairs that are true; 1 where none was found."""
        return self.correct_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        """Share of the true pairs that were found; 1 where there is none."""
        return self.correct_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return f1_of(self.precision, self.recall)


def f1_of(precision: float, recall: float) -> float:
    """Return the harmonic mean of precision and recall; 0 where both are."""
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def measure_accuracy(unified_ids: DataFrame, records: DataFrame, truth: DataFrame) -> tuple[Accuracy, ...]:
    """Compare unified ids with a truth.

    Args:
        unified_ids: one row per record: record_key, unified_id.
        records: one row per record: record_key, source, source_record_id.
        truth: one row per record: source, source_record_id, entity_type, entity_id.
    Returns: one figure per entity type of the truth, by name.
    """
    named = records.select(c.RECORD_KEY, c.SOURCE, c.SOURCE_RECORD_ID)
    found = named.join(unified_ids.select(c.RECORD_KEY, c.UNIFIED_ID), on=c.RECORD_KEY, how="inner")
    judged = truth.join(found, on=[c.SOURCE, c.SOURCE_RECORD_ID], how="left")
    rows = build_pair_counts(judged).orderBy(c.ENTITY_TYPE).collect()
    return tuple(Accuracy(row[c.ENTITY_TYPE], *[int(row[name]) for name in _FIGURES]) for row in rows)


def build_pair_counts(judged: DataFrame) -> DataFrame:
    """Count pairs without making them.

    Args:
        judged: one row per record: entity_type, entity_id, unified_id or null.
    Returns: one row per entity type: records, missing, entities, found, true_pairs, found_pairs, correct_pairs.
    """
    size = F.count(F.lit(1))
    cells = judged.groupBy(c.ENTITY_TYPE, TRUE_ID, c.UNIFIED_ID).agg(size.alias("size"))
    is_found = F.col(c.UNIFIED_ID).isNotNull()
    correct = cells.groupBy(c.ENTITY_TYPE).agg(
        F.sum("size").alias("records"),
        _sum_expr(F.when(~is_found, F.col("size"))).alias("missing"),
        _sum_expr(F.when(is_found, pairs_expr(F.col("size")))).alias("correct_pairs"),
    )
    sides = [_count_side(cells, TRUE_ID, "entities", "true_pairs")]
    sides.append(_count_side(cells.where(is_found), c.UNIFIED_ID, "found", "found_pairs"))
    joined = reduce(lambda left, right: left.join(right, on=c.ENTITY_TYPE, how="left"), [correct, *sides])
    return joined.select(c.ENTITY_TYPE, *[F.coalesce(name, F.lit(0)).alias(name) for name in _FIGURES])


def _count_side(cells: DataFrame, key: str, groups: str, pairs: str) -> DataFrame:
    sizes = cells.groupBy(c.ENTITY_TYPE, key).agg(F.sum("size").alias("size"))
    totals = F.count(F.lit(1)).alias(groups), _sum_expr(pairs_expr(F.col("size"))).alias(pairs)
    return sizes.groupBy(c.ENTITY_TYPE).agg(*totals)


def pairs_expr(size: Column) -> Column:
    """Unordered pairs of a group."""
    return (size * (size - 1) / 2).cast("long")


def _sum_expr(value: Column) -> Column:
    return F.coalesce(F.sum(value), F.lit(0))
