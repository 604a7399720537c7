"""What matching read of each record, as hashes: whoever has the hash of yesterday is matched as yesterday."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.matching.features import feature_columns, value_expr

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.tables.actions.held import Held


@dataclass(frozen=True)
class Changes:
    """What changed since the last night.

    Args:
        held: from `build_changes`.
        gone: how many of these are gone.
        records: that there are tonight.
    """

    held: Held
    gone: int
    records: int


def with_input_hash(records: DataFrame, match: EntityMatch) -> DataFrame:
    """Add `input_hash`: 64 bits of the columns that features and clustering read.

    Args:
        records: one row per record_key, cleaned.
        match: which columns these are.
    """
    names = sorted({*feature_columns(match), *match.clustering.unique})
    return records.withColumn(c.INPUT_HASH, F.xxhash64(*[_column_hash_expr(records, name) for name in names]))


def _column_hash_expr(records: DataFrame, name: str) -> Column:
    """A hash of its own a column: `xxhash64` passes over nulls, so that (1, null) would equal (null, 1)."""
    return F.xxhash64(F.lit(name), value_expr(records, name))


def build_changes(now: DataFrame, before: DataFrame) -> DataFrame:
    """Find the records that are new, changed or gone.

    Args:
        now: record_key, input_hash.
        before: record_key, input_hash, as of the last night.
    Returns: one row per such record: record_key, input_hash; null for one that is gone.
    """
    was = before.select(c.RECORD_KEY, F.col(c.INPUT_HASH).alias("previous_hash"))
    both = now.select(c.RECORD_KEY, c.INPUT_HASH).join(was, on=c.RECORD_KEY, how="full_outer")
    changed = both.where(~F.col(c.INPUT_HASH).eqNullSafe(F.col("previous_hash")))
    return changed.select(c.RECORD_KEY, c.INPUT_HASH)
