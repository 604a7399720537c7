"""Score a night's changed records against everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.blocking.blocks import read_key_use
from cdp_spark.resolution.increment.keys import (
    TouchedBlocks,
    build_partners,
    build_shared_keys,
    build_turned_keys,
    build_unchanged_holders,
    find_touched_blocks,
)
from cdp_spark.resolution.scored import ScoredPairs, build_keyed, score_blocks, slots_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.matching.model import MatchModel


@dataclass(frozen=True)
class ChangedPairs:
    """What a night changed about the pairs of an entity type.

    Args:
        pairs: scored anew: all pairs with at least one fresh record.
        stale: record_key of the records whose pairs of the last night leave: changed, gone, or in a block that came to
            be purged or ceased to be.
        inputs: record_key, input_hash, block_keys of the fresh records, which are the stale ones that are still there
            and the new ones.
    """

    pairs: ScoredPairs
    stale: DataFrame
    inputs: DataFrame


def score_changes(records: DataFrame, before: DataFrame, changes: DataFrame, model: MatchModel) -> ChangedPairs:
    """Compare the changed records with each other and with all others; no two unchanged ones.

    Gives the same pairs, with the same rule masks, levels and weights, as a comparison of all records.

    Args:
        records: of the entity type, cleaned.
        before: the last night's `match_inputs` of the type, under this model.
        changes: from `build_changes`, materialised.
        model: that scored the last night's pairs.
    """
    fresh = changes.where(F.col(c.INPUT_HASH).isNotNull()).select(c.RECORD_KEY, c.INPUT_HASH)
    stale = changes.select(c.RECORD_KEY)
    inputs = _build_fresh_inputs(records, fresh, model)
    blocks = find_touched_blocks(inputs, before, stale, model)
    slots = slots_of(model.match)
    turned = build_turned_keys(blocks.sizes, slots)
    if not turned.isEmpty():
        of_turned = build_unchanged_holders(blocks, turned)
        unchanged = before.join(of_turned, on=c.RECORD_KEY, how="left_semi").select(*inputs.columns)
        inputs = inputs.unionByName(unchanged).localCheckpoint()
        stale = stale.unionByName(unchanged.select(c.RECORD_KEY)).localCheckpoint()
        blocks.release()
        blocks = find_touched_blocks(inputs, before, stale, model)
    pairs = _score_touched(records, inputs, blocks, model)
    blocks.release()
    return ChangedPairs(pairs, stale, inputs)


def _build_fresh_inputs(records: DataFrame, fresh: DataFrame, model: MatchModel) -> DataFrame:
    wanted = records.join(F.broadcast(fresh), on=c.RECORD_KEY, how="inner")
    return build_keyed(wanted, model.match).select(c.RECORD_KEY, c.INPUT_HASH, c.BLOCK_KEYS).localCheckpoint()


def _score_touched(records: DataFrame, inputs: DataFrame, blocks: TouchedBlocks, model: MatchModel) -> ScoredPairs:
    """Compare the fresh records and their partners inside the touched blocks."""
    slots, frozen = slots_of(model.match), np.array(model.purged_keys, dtype=np.int64)
    fresh = inputs.select(c.RECORD_KEY, F.lit(True).alias(c.IS_FRESH))
    partners = build_partners(blocks, slots).withColumn(c.IS_FRESH, F.lit(False))
    compared = records.join(fresh.unionByName(partners), on=c.RECORD_KEY, how="inner")
    keyed = build_keyed(compared, model.match).persist()
    use = read_key_use(build_shared_keys(blocks.sizes), slots, frozen=frozen)
    return score_blocks(keyed, use, model)
