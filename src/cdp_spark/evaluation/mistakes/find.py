"""Which pairs are the worst mistakes."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.evaluation.figures import CLUSTER, ENTITY, RECORD
from cdp_spark.evaluation.pairs import IS_TRUE, TOGETHER, evidence_expr

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

EVIDENCE, PLACE = "evidence", "place"
_PARTS_PER_ENTITY = 4
"""Clusters of one entity of which pairs that were never compared are made."""
_UNCOMPARED_PAIRS = 400
"""Pairs that were never compared, weighed to find the worst."""
_PAIR = [c.RECORD_KEY_L, c.RECORD_KEY_R]


def build_worst_pairs(
    judged_pairs: DataFrame,
    pair_scores: DataFrame,
    cuts: DataFrame,
    labels: DataFrame,
    *,
    threshold_log2: float,
    limit: int,
) -> DataFrame:
    """Find the worst mistakes among the compared pairs, and what the last run knew about each.

    Args:
        judged_pairs: as `evaluation.pairs.build_judged_pairs` makes them.
        pair_scores: one row per pair: record_key_l, record_key_r, model_version, rule_mask, levels.
        cuts: one row per cut edge: record_key_l, record_key_r, reason.
        labels: the label in force of each pair: record_key_l, record_key_r, label.
        threshold_log2: bits from which a pair is an edge.
        limit: pairs of each kind.
    Returns: one row per pair: record_key_l, record_key_r, weight_log2, is_true, place (1 is the worst of its kind),
        evidence, model_version, rule_mask, levels, reason (of a cut) or null, label or null.
    """
    wrong = judged_pairs.where(F.col(IS_TRUE) != F.col(TOGETHER))
    worst = Window.partitionBy(IS_TRUE).orderBy(F.desc(c.WEIGHT_LOG2), *_PAIR)
    ranked = wrong.withColumn(PLACE, F.row_number().over(worst)).where(F.col(PLACE) <= limit)
    told = ranked.select(*_PAIR, c.WEIGHT_LOG2, IS_TRUE, PLACE, evidence_expr(threshold_log2).alias(EVIDENCE))
    scores = pair_scores.select(*_PAIR, c.MODEL_VERSION, c.RULE_MASK, c.LEVELS)
    told = scores.join(F.broadcast(told), on=_PAIR, how="inner")
    reasons = cuts.groupBy(*_PAIR).agg(F.min(c.REASON).alias(c.REASON))
    told = told.join(reasons, on=_PAIR, how="left").join(labels, on=_PAIR, how="left")
    known = (c.MODEL_VERSION, c.RULE_MASK, c.LEVELS, c.REASON, c.LABEL)
    return told.select(*_PAIR, c.WEIGHT_LOG2, IS_TRUE, PLACE, EVIDENCE, *known)


def build_uncompared_pairs(judged: DataFrame, pair_scores: DataFrame, *, limit: int = _UNCOMPARED_PAIRS) -> DataFrame:
    """True pairs between the clusters of an entity that were never compared: one record a cluster, a few clusters.

    Args:
        judged: one row per record of the truth that the warehouse holds: record_id (its record_key), entity_id,
            cluster_id or null.
        pair_scores: one row per compared pair: record_key_l, record_key_r.
        limit: pairs, chosen by hash.
    Returns: one row per pair: record_key_l, record_key_r.
    """
    part = F.coalesce(F.col(CLUSTER), F.col(RECORD)).alias("part")
    parts = judged.groupBy(ENTITY, part).agg(F.min(RECORD).alias(RECORD))
    number = F.row_number().over(Window.partitionBy(ENTITY).orderBy(RECORD))
    few = parts.withColumn("number", number).where(F.col("number") <= _PARTS_PER_ENTITY)
    sides = [few.select(ENTITY, F.col(RECORD).alias(side)) for side in _PAIR]
    pairs = reduce(lambda left, right: left.join(right, on=ENTITY, how="inner"), sides)
    pairs = pairs.where(F.col(c.RECORD_KEY_L) < F.col(c.RECORD_KEY_R))
    new = pairs.join(pair_scores, on=_PAIR, how="left_anti")
    order = F.xxhash64(*_PAIR)
    return new.orderBy(order, *_PAIR).limit(limit).select(*_PAIR)
