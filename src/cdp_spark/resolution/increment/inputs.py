"""What matching read of each record, as hashes: whoever has the hash of yesterday is matched as yesterday."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.features import columns_read, feature_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.tables.rows import Rows


@dataclass(frozen=True)
class Changes:
    """What changed since the last night.

    Args:
        rows: from `build_changes`, or `find_changes`.
        count: of them.
        gone: how many of these are gone.
        records: that there are tonight.
    """

    rows: Rows
    count: int
    gone: int
    records: int


@dataclass(frozen=True)
class ChangedPairs:
    """What a night changed about the pairs of an entity type.

    Args:
        pair_scores: scored anew: all pairs with at least one fresh record.
        stale: record_key of the records whose pairs of the last night leave: changed, gone, or in a block that came to
            be purged or ceased to be.
        stale_count: of them.
        inputs: record_key, input_hash, block_keys of the fresh records, which are the stale ones that are still there
            and the new ones.
        metrics: figures by dotted name.
    """

    pair_scores: Rows
    stale: Rows
    stale_count: int
    inputs: Rows
    metrics: dict[str, float]


def with_input_hash(records: DataFrame, match: EntityMatch) -> DataFrame:
    """Add `input_hash`: 64 bits of the columns that features and clustering read.

    Args:
        records: one row per record_key, cleaned.
        match: which columns these are.
    """
    names = sorted({*feature_columns(match), *match.clustering.unique})
    columns_read(match, records.columns)
    return records.withColumn(c.INPUT_HASH, F.xxhash64(*[_column_hash_expr(records, name) for name in names]))


def _column_hash_expr(records: DataFrame, name: str) -> Column:
    """A hash of its own a column: `xxhash64` passes over nulls, so that (1, null) would equal (null, 1)."""
    value = F.col(name) if name in records.columns else F.try_element_at(F.col(c.ATTRIBUTES), F.lit(name))
    return F.xxhash64(F.lit(name), value)


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
