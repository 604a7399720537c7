"""Score a night's changed records against everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.blocking.keys import packed_keys_expr
from cdp_spark.resolution.scored import ScoredPairs, build_keyed, score_blocks, slots_of
from cdp_spark.tables.actions.held import Held, hold, keep

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from cdp_spark.blocking.key_use import KeyUse
    from cdp_spark.matching.model import MatchModel


class TouchedBlocks(Protocol):
    """The blocks that changed records were or are in: `SparkBlocks` where they are, `LocalBlocks` on the driver."""

    def turned(self) -> DataFrame | None:
        """The inputs of unchanged records with a key that has outgrown its limit since, or does so no more."""

    def partners(self) -> DataFrame:
        """record_key of the unchanged records that share a live key with a changed one."""

    def key_use(self, frozen: NDArray[np.int64]) -> KeyUse:
        """Of the keys by which a changed record can meet another one."""


class LastInputs(Protocol):
    """The rows of `match_inputs` that the last night left of an entity type: `SparkInputs` or `LocalInputs`."""

    def find_touched(self, fresh: DataFrame, stale: Held, model: MatchModel) -> TouchedBlocks:
        """Find the blocks that changed records were or are in, but for those that the model purged.

        Args:
            fresh: changed and new records as they are now: record_key, block_keys.
            stale: record_key of the records of the last night that are changed or gone.
            model: its purged keys lead nowhere.
        """


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
    stale: Held
    inputs: Held


def score_changes(records: DataFrame, before: LastInputs, changes: Held, model: MatchModel) -> ChangedPairs:
    """Compare the changed records with each other and with all others; no two unchanged ones.

    Gives the same pairs, with the same rule masks, levels and weights, as a comparison of all records.

    Args:
        records: of the entity type, cleaned.
        before: the last night's `match_inputs` of the type, under this model.
        changes: of `SparkInputs` or `LocalInputs`.
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
    return ChangedPairs(pairs, stale, inputs)


def _build_inputs(records: DataFrame, changes: Held, model: MatchModel) -> DataFrame:
    """record_key, input_hash and packed block_keys of the changed records that are there."""
    wanted = build_keyed(records.join(changes.joinable, on=c.RECORD_KEY, how="inner"), model.match)
    return wanted.select(c.RECORD_KEY, c.INPUT_HASH, packed_keys_expr(len(slots_of(model.match))))


def _score_touched(records: DataFrame, inputs: DataFrame, blocks: TouchedBlocks, model: MatchModel) -> ScoredPairs:
    """Compare the fresh records and their partners inside the touched blocks."""
    fresh = inputs.select(c.RECORD_KEY, F.lit(True).alias(c.IS_FRESH))
    compared = hold(fresh.unionByName(blocks.partners().withColumn(c.IS_FRESH, F.lit(False))))
    keyed = keep(build_keyed(records.join(compared.joinable, on=c.RECORD_KEY, how="inner"), model.match))
    pairs = score_blocks(keyed, blocks.key_use(np.array(model.purged_keys, dtype=np.int64)), model)
    return replace(pairs, pair_scores=keep(pairs.pair_scores), held=())
