"""Rows to the counts of a chart, in Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

BIN_BITS = 2
OUTERMOST_BITS = 40
"""Weights beyond are counted in the outermost bins."""
LOWEST, PAIRS, SIZE_CLASS, PROFILES_OF_CLASS = "lowest", "pairs", "size_class", "profiles"
SIZE_CLASSES: tuple[tuple[int, str], ...] = (
    (1, "1"),
    (2, "2"),
    (3, "3"),
    (4, "4"),
    (5, "5"),
    (10, "6–10"),
    (20, "11–20"),
    (50, "21–50"),
)
LARGEST_CLASS = "51 or more"


def build_weight_bins(pair_scores: DataFrame) -> DataFrame:
    """Count scored pairs by match weight.

    Args:
        pair_scores: one row per pair: weight_log2.
    Returns: one row per bin that has pairs: lowest (int, bits), pairs.
    """
    bounded = F.greatest(F.least(F.col(c.WEIGHT_LOG2), F.lit(OUTERMOST_BITS - 1)), F.lit(-OUTERMOST_BITS))
    lowest = (F.floor(bounded / BIN_BITS) * BIN_BITS).cast("int")
    return pair_scores.groupBy(lowest.alias(LOWEST)).agg(F.count(F.lit(1)).alias(PAIRS))


def build_size_classes(unified_ids: DataFrame) -> DataFrame:
    """Count profiles by their number of records.

    Args:
        unified_ids: one row per record: entity_type, unified_id.
    Returns: one row per entity type and class: size_class, record_count (of all its profiles), profiles. A person's
        visitors do not count; who is known as a visitor only is counted under that type.
    """
    is_visitor = F.col(c.ENTITY_TYPE) == "visitor"
    counts = unified_ids.groupBy(c.UNIFIED_ID).agg(
        F.min(c.ENTITY_TYPE).alias(c.ENTITY_TYPE),
        F.count_if(~is_visitor).alias("records"),
        F.count(F.lit(1)).alias("all"),
    )
    of_visitors = F.col(c.ENTITY_TYPE) == "visitor"
    sizes = counts.withColumn("size", F.when(of_visitors, F.col("all")).otherwise(F.col("records")))
    return sizes.groupBy(c.ENTITY_TYPE, size_class_expr(F.col("size")).alias(SIZE_CLASS)).agg(
        F.sum("size").alias(c.RECORD_COUNT), F.count(F.lit(1)).alias(PROFILES_OF_CLASS)
    )


def size_class_expr(size: Column) -> Column:
    """The class of a number of records, such as `6–10`."""
    chosen = F.lit(LARGEST_CLASS)
    for highest, label in reversed(SIZE_CLASSES):
        chosen = F.when(size <= highest, F.lit(label)).otherwise(chosen)
    return chosen
