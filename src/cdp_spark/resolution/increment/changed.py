"""Score a night's changed records against everything, in Spark: at any size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.frames import packed_keys_expr
from cdp_spark.resolution.increment.inputs import ChangedPairs
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.resolution.scored import ScoredPairs, keyed_records, score_blocks
from cdp_spark.tables.actions.held import Held, hold, keep

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.resolution.increment.keys import SparkBlocks, SparkInputs
    from cdp_spark.resolution.model import MatchModel


def score_changes(records: DataFrame, before: SparkInputs, changes: Held, model: MatchModel) -> ChangedPairs:
    """Compare the changed records with each other and with all others; no two unchanged ones.

    Gives the same pairs, with the same rule masks, levels and weights, as a comparison of all records.

    Args:
        records: of the entity type, cleaned.
        before: the last night's `match_inputs` of the type, under this model.
        changes: of `SparkInputs`.
        model: that scored the last night's pairs.
    """
    stale = replace(changes, rows=changes.rows.select(c.RECORD_KEY))
    inputs = hold(_build_inputs(records, changes, model))
    blocks = before.find_touched(inputs.rows, stale, model)
    unchanged = blocks.turned()
    if unchanged is not None:
        inputs = hold(inputs.rows.unionByName(unchanged))
        stale = hold(stale.rows.unionByName(unchanged.select(c.RECORD_KEY)))
        blocks = before.find_touched(inputs.rows, stale, model)
    pairs = _score_touched(records, inputs.rows, blocks, model)
    return ChangedPairs(pairs.pair_scores, stale.joinable, stale.count, inputs.rows, pairs.metrics)


def _build_inputs(records: DataFrame, changes: Held, model: MatchModel) -> DataFrame:
    """record_key, input_hash and packed block_keys of the changed records that are there."""
    wanted = keyed_records(records.join(changes.joinable, on=c.RECORD_KEY, how="inner"), model.match)
    return wanted.select(c.RECORD_KEY, c.INPUT_HASH, packed_keys_expr(len(slots_of(model.match))))


def _score_touched(records: DataFrame, inputs: DataFrame, blocks: SparkBlocks, model: MatchModel) -> ScoredPairs:
    """Compare the fresh records and their partners inside the touched blocks."""
    fresh = inputs.select(c.RECORD_KEY, F.lit(True).alias(c.IS_FRESH))
    compared = hold(fresh.unionByName(blocks.partners().withColumn(c.IS_FRESH, F.lit(False))))
    keyed = keep(keyed_records(records.join(compared.joinable, on=c.RECORD_KEY, how="inner"), model.match))
    pairs = score_blocks(keyed, blocks.key_use(np.array(model.purged_keys, dtype=np.int64)), model)
    return replace(pairs, pair_scores=keep(pairs.pair_scores))
