"""Which blocks a night's changes touch, how large they are, and who else is in them, in Spark: at any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import NO_KEY
from cdp_spark.resolution.blocking.key_use import GROWTH, KeyUse
from cdp_spark.resolution.frames import read_key_use, unpacked_keys_expr
from cdp_spark.resolution.increment.inputs import Changes, build_changes
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.tables.actions.held import hold, keep

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame

    from cdp_spark.resolution.blocking.slots import Slot
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.actions.held import Held

_WAS, _FRESH = "was", "fresh"
_STALE = "is_stale"


@dataclass(frozen=True)
class SparkInputs:
    """The rows of `match_inputs` that the last night left of an entity type, where they are.

    Args:
        rows: record_key, input_hash, block_keys as bytes.
    """

    rows: DataFrame

    @classmethod
    def compare(cls, before: DataFrame, now: DataFrame) -> tuple[SparkInputs, Changes]:
        """Compare tonight's record_key and input_hash with theirs (an action)."""
        held = hold(build_changes(now, before))
        gone = held.rows.where(F.col(c.INPUT_HASH).isNull()).count()
        return cls(before), Changes(held.rows, held.count, gone, now.count())

    def find_touched(self, fresh: DataFrame, stale: Held, model: MatchModel) -> SparkBlocks:
        """Find the blocks that changed records were or are in, but for those that the model purged (an action).

        Args:
            fresh: changed and new records as they are now: record_key, block_keys.
            stale: record_key of the records of the last night that are changed or gone.
            model: its purged keys lead nowhere.
        """
        slots = slots_of(model.match)
        keys_now, keys_before = explode_keys(fresh, slots), explode_keys(self.rows, slots)
        of_stale = keys_before.join(stale.joinable, on=c.RECORD_KEY, how="left_semi")
        touched = keys_now.select(c.BLOCK_KEY).unionByName(of_stale.select(c.BLOCK_KEY)).distinct()
        keys = hold(touched.join(_as_frame(touched, model.purged_keys), on=c.BLOCK_KEY, how="left_anti"))
        marked = stale.joinable.withColumn(_STALE, F.lit(True))
        held = keys_before.join(keys.joinable, on=c.BLOCK_KEY, how="left_semi")
        flagged = held.join(marked, on=c.RECORD_KEY, how="left").withColumn(_STALE, F.coalesce(_STALE, F.lit(False)))
        holders = keep(flagged)
        sizes = hold(build_touched_sizes(holders, keys_now.join(keys.joinable, on=c.BLOCK_KEY, how="left_semi")))
        return SparkBlocks(self.rows, slots, holders, sizes.rows)


@dataclass(frozen=True)
class SparkBlocks:
    """The blocks that changed records were or are in; `holders` and `sizes` are kept.

    Args:
        before: record_key, input_hash, block_keys of the last night.
        slots: the layout of the keys.
        holders: record_key, block_key, slot, is_stale (changed or gone), of the records of the last night.
        sizes: one row per key: block_key, slot, was (records in the last night), record_count (now), fresh (of them).
    """

    before: DataFrame
    slots: tuple[Slot, ...]
    holders: DataFrame
    sizes: DataFrame

    def turned(self) -> DataFrame | None:
        """The inputs of unchanged records with a key that has outgrown its limit since, or does so no more."""
        keys = build_turned_keys(self.sizes, self.slots)
        if keys.isEmpty():
            return None
        holders = self.holders.where(~F.col(_STALE)).join(keys, on=c.BLOCK_KEY, how="left_semi").select(c.RECORD_KEY)
        wanted = hold(holders.distinct())
        found = self.before.join(wanted.joinable, on=c.RECORD_KEY, how="left_semi")
        return found.select(c.RECORD_KEY, c.INPUT_HASH, c.BLOCK_KEYS).localCheckpoint()

    def partners(self) -> DataFrame:
        """record_key of the unchanged records that share a live key with a changed one."""
        shared = build_shared_keys(self.sizes).where(~_outgrown_expr(c.RECORD_COUNT, self.slots))
        unchanged = self.holders.where(~F.col(_STALE))
        return unchanged.join(shared, on=c.BLOCK_KEY, how="left_semi").select(c.RECORD_KEY).distinct()

    def key_use(self, frozen: NDArray[np.int64]) -> KeyUse:
        """Of the keys by which a changed record can meet another one."""
        return read_key_use(build_shared_keys(self.sizes), self.slots, frozen=frozen)


def explode_keys(inputs: DataFrame, slots: tuple[Slot, ...]) -> DataFrame:
    """One row per record and key that it has: record_key, slot, block_key."""
    unpacked = inputs.select(c.RECORD_KEY, unpacked_keys_expr(len(slots)))
    exploded = unpacked.select(c.RECORD_KEY, F.posexplode(c.BLOCK_KEYS).alias(c.SLOT, c.BLOCK_KEY))
    return exploded.where(F.col(c.BLOCK_KEY) != NO_KEY)


def build_touched_sizes(holders: DataFrame, keys_now: DataFrame) -> DataFrame:
    """Count each touched key's records, in the last night and now.

    Args:
        holders: block_key, slot, is_stale of the last night's records.
        keys_now: block_key, slot of the changed records.
    Returns: one row per key: block_key, slot (the lowest), was, record_count, fresh.
    """
    none, one = F.lit(0), F.lit(1)
    of_before = holders.select(
        *(c.BLOCK_KEY, c.SLOT, one.alias(_WAS)),
        F.when(F.col(_STALE), 0).otherwise(1).alias(c.RECORD_COUNT),
        none.alias(_FRESH),
    )
    of_now = keys_now.select(c.BLOCK_KEY, c.SLOT, none.alias(_WAS), one.alias(c.RECORD_COUNT), one.alias(_FRESH))
    counts = [F.sum(name).alias(name) for name in (_WAS, c.RECORD_COUNT, _FRESH)]
    return of_before.unionByName(of_now).groupBy(c.BLOCK_KEY).agg(F.min(c.SLOT).alias(c.SLOT), *counts)


def build_turned_keys(sizes: DataFrame, slots: tuple[Slot, ...]) -> DataFrame:
    """Find the keys that have outgrown their limit since the last night, or do so no more: block_key."""
    turned = _outgrown_expr(_WAS, slots) != _outgrown_expr(c.RECORD_COUNT, slots)
    return sizes.where(turned).select(c.BLOCK_KEY)


def build_shared_keys(sizes: DataFrame) -> DataFrame:
    """Find the keys by which a changed record can meet another one: block_key, slot, record_count."""
    shared = (F.col(_FRESH) > 0) & (F.col(c.RECORD_COUNT) > 1)
    return sizes.where(shared).select(c.BLOCK_KEY, c.SLOT, c.RECORD_COUNT)


def _outgrown_expr(count: str, slots: tuple[Slot, ...]) -> Column:
    limits = F.array(*[F.lit(GROWTH * slot.limit) for slot in slots])
    return F.col(count) > F.element_at(limits, F.col(c.SLOT) + 1)


def _as_frame(like: DataFrame, keys: tuple[int, ...]) -> DataFrame:
    table = pa.table({c.BLOCK_KEY: np.array(keys, dtype=np.int64)})
    return like.sparkSession.createDataFrame(table, f"{c.BLOCK_KEY} long")
