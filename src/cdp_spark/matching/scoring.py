"""Weigh compared pairs by a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.matching.kernel import LEVEL_BITS, unpack

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from cdp_spark.matching.model import MatchModel


def build_pair_scores(
    pair_patterns: DataFrame, counts: pa.Table, model: MatchModel, *, deterministic_mask: int
) -> DataFrame:
    """Give every pair its match weight.

    Args:
        pair_patterns: one row per pair with rule mask and packed levels.
        counts: the distinct (rule_mask, pattern) among them; weighed once each on the driver.
        model: what they weigh.
        deterministic_mask: bits of the rules that join a pair whatever its weight.
    Returns: one row per pair: record_key_l, record_key_r, rule_mask, levels, weight_log2, deterministic.
    """
    weights = F.broadcast(pair_patterns.sparkSession.createDataFrame(_weigh(counts, model)))
    scored = pair_patterns.join(weights, on=[c.RULE_MASK, c.PATTERN], how="inner")
    return scored.select(
        c.RECORD_KEY_L,
        c.RECORD_KEY_R,
        c.RULE_MASK,
        levels_expr(F.col(c.PATTERN), len(model.match.comparisons)).alias(c.LEVELS),
        c.WEIGHT_LOG2,
        (F.col(c.RULE_MASK).bitwiseAND(F.lit(deterministic_mask)) != 0).alias(c.DETERMINISTIC),
    )


def levels_expr(pattern: Column, comparisons: int) -> Column:
    """The level of each comparison as an array."""
    mask = F.lit((1 << LEVEL_BITS) - 1)
    return F.array(
        *[F.shiftright(pattern, LEVEL_BITS * index).bitwiseAND(mask).cast("int") for index in range(comparisons)]
    )


def _weigh(counts: pa.Table, model: MatchModel) -> pa.Table:
    masks, patterns = counts[c.RULE_MASK].to_numpy(), counts[c.PATTERN].to_numpy()
    weights = model.weights(masks, unpack(patterns, len(model.match.comparisons)))
    return pa.table({c.RULE_MASK: masks, c.PATTERN: patterns, c.WEIGHT_LOG2: np.round(weights, 6)})
