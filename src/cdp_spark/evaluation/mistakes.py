"""The worst mistakes: wrong pairs with the most weight for them, and missed ones with the most weight."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.evaluation.figures import CLUSTER, ENTITY, RECORD
from cdp_spark.evaluation.pairs import ABOVE, BELOW, DETERMINISTIC, IS_TRUE, NOT_COMPARED, TOGETHER, evidence_expr
from cdp_spark.explain.compare import read_comparable, weigh_pairs
from cdp_spark.explain.pairs.verdict import CUT_WORDS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.matching.model import MatchModel

_PARTS_PER_ENTITY = 4
"""Clusters of one entity of which pairs that were never compared are made."""
_UNCOMPARED_PAIRS = 400
"""Pairs that were never compared, weighed to find the worst."""

FALSE_WORDS = {
    DETERMINISTIC: "a deterministic rule joins them",
    ABOVE: "the pair is above the threshold",
    BELOW: "below the threshold, but other records join them",
}
MISSED_WORDS = {
    DETERMINISTIC: "a rule joins them, but a cannot-link or a limit does not let it",
    ABOVE: "above the threshold: the clusters are older than the scores, or a label",
    BELOW: "below the threshold",
    NOT_COMPARED: "never compared: no blocking rule finds them, or only by too frequent keys",
}


@dataclass(frozen=True)
class Mistake:
    """A pair that was put together wrongly, or missed.

    Args:
        kind: `false merge` or `missed`.
        record_key_l: the record with the smaller key.
        record_key_r: the other.
        weight_log2: bits; of a pair that was never compared, an upper bound.
        reason: in words.
    """

    kind: str
    record_key_l: str
    record_key_r: str
    weight_log2: float
    reason: str


def read_compared_mistakes(
    judged_pairs: DataFrame, cuts: DataFrame, *, threshold_log2: float, limit: int
) -> tuple[Mistake, ...]:
    """The worst mistakes among the compared pairs: as many of each kind as asked for (an action).

    Args:
        judged_pairs: as `evaluation.pairs.build_judged_pairs` makes them.
        cuts: one row per cut edge: record_key_l, record_key_r, reason.
        threshold_log2: bits from which a pair is an edge.
        limit: mistakes of each kind.
    """
    wrong = judged_pairs.where(F.col(IS_TRUE) != F.col(TOGETHER))
    keys = [c.RECORD_KEY_L, c.RECORD_KEY_R]
    worst = Window.partitionBy(IS_TRUE).orderBy(F.desc(c.WEIGHT_LOG2), *keys)
    ranked = wrong.withColumn("rank", F.row_number().over(worst)).where(F.col("rank") <= limit)
    reasons = cuts.groupBy(*keys).agg(F.min(c.REASON).alias(c.REASON))
    told = ranked.join(reasons, on=keys, how="left").withColumn("evidence", evidence_expr(threshold_log2))
    rows = told.orderBy(IS_TRUE, "rank").collect()
    return tuple(_compared(row[c.RECORD_KEY_L], row[c.RECORD_KEY_R], row[c.WEIGHT_LOG2], row.asDict()) for row in rows)


def _compared(left: str, right: str, weight_log2: float, row: dict[str, object]) -> Mistake:
    evidence, cut = str(row["evidence"]), row[c.REASON]
    if not row[IS_TRUE]:
        return Mistake("false merge", left, right, weight_log2, FALSE_WORDS[evidence])
    reason = MISSED_WORDS[evidence] if cut is None else f"cut: {CUT_WORDS[str(cut)]}"
    return Mistake("missed", left, right, weight_log2, reason)


def build_uncompared_pairs(judged: DataFrame, pair_scores: DataFrame, *, limit: int = _UNCOMPARED_PAIRS) -> DataFrame:
    """True pairs between the clusters of an entity that were never compared: one record a cluster, a few clusters.

    Args:
        judged: one row per record of the truth: record_id (a record_key), entity_id, cluster_id or null.
        pair_scores: one row per compared pair: record_key_l, record_key_r.
        limit: pairs, chosen by hash.
    Returns: one row per pair: record_key_l, record_key_r.
    """
    part = F.coalesce(F.col(CLUSTER), F.col(RECORD)).alias("part")
    parts = judged.groupBy(ENTITY, part).agg(F.min(RECORD).alias(RECORD))
    number = F.row_number().over(Window.partitionBy(ENTITY).orderBy(RECORD))
    few = parts.withColumn("number", number).where(F.col("number") <= _PARTS_PER_ENTITY)
    sides = [few.select(ENTITY, F.col(RECORD).alias(side)) for side in (c.RECORD_KEY_L, c.RECORD_KEY_R)]
    pairs = reduce(lambda left, right: left.join(right, on=ENTITY, how="inner"), sides)
    pairs = pairs.where(F.col(c.RECORD_KEY_L) < F.col(c.RECORD_KEY_R))
    new = pairs.join(pair_scores, on=[c.RECORD_KEY_L, c.RECORD_KEY_R], how="left_anti")
    order = F.xxhash64(c.RECORD_KEY_L, c.RECORD_KEY_R)
    return new.orderBy(order, c.RECORD_KEY_L, c.RECORD_KEY_R).limit(limit).select(c.RECORD_KEY_L, c.RECORD_KEY_R)


def weigh_uncompared(records: DataFrame, pairs: DataFrame, model: MatchModel, *, limit: int) -> tuple[Mistake, ...]:
    """The heaviest of a few pairs that were never compared (two actions).

    Args:
        records: one row per record_key, cleaned.
        pairs: record_key_l, record_key_r; a few hundred at most.
        model: weighs them, as if its rarest rule had found them.
        limit: mistakes that are told.
    """
    keys = [(row[0], row[1]) for row in pairs.collect()]
    if not keys:
        return ()
    wanted = F.col(c.RECORD_KEY).isin(sorted({key for pair in keys for key in pair}))
    comparable = read_comparable(records.where(wanted), model)
    place = {key: number for number, key in enumerate(comparable[c.RECORD_KEY].to_pylist())}
    left, right = (np.array([place[pair[side]] for pair in keys], dtype=np.int64) for side in (0, 1))
    weights = weigh_pairs(comparable, model, left, right).weight_log2
    worst = sorted(zip(keys, weights.tolist(), strict=True), key=lambda it: (-it[1], it[0]))[:limit]
    return tuple(Mistake("missed", *pair, weight, MISSED_WORDS[NOT_COMPARED]) for pair, weight in worst)
