"""Pairs that are worth a person's answer: classes of pairs by weight, and the draw from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

EDGES = (-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0)
"""Bits from the threshold between one stratum and the next."""
CERTAIN = len(EDGES) + 1
"""The stratum of the pairs that a deterministic rule joins."""
STRATUM = "stratum"
SHARES = (0.06, 0.08, 0.10, 0.12, 0.14, 0.14, 0.12, 0.10, 0.06, 0.05, 0.03)
"""Of a sheet, by stratum: most near the threshold, where answers teach the most, and some sure ones as controls."""
_HASHES = 1_000_000


def stratum_expr(threshold_log2: float) -> Column:
    """The stratum of a scored pair, from 0 for the least weight; CERTAIN for a deterministic pair."""
    number = F.lit(0)
    for edge in EDGES:
        number = number + (F.col(c.WEIGHT_LOG2) >= threshold_log2 + edge).cast("int")
    return F.when(F.col(c.DETERMINISTIC), F.lit(CERTAIN)).otherwise(number)


def stratum_name(stratum: int) -> str:
    """A stratum in words, in bits from the threshold."""
    if stratum == CERTAIN:
        return "deterministic"
    if stratum == 0:
        return f"below {EDGES[0]:+g}"
    high = f" to {EDGES[stratum]:+g}" if stratum < len(EDGES) else " and more"
    return f"{EDGES[stratum - 1]:+g}{high}"


def choose_pairs(
    pair_scores: DataFrame, labels: DataFrame, *, threshold_log2: float, pairs: int, seed: int
) -> DataFrame:
    """Draw pairs without a label from every stratum, by hash, so the same seed draws the same ones (an action).

    Args:
        pair_scores: one row per pair: record_key_l, record_key_r, weight_log2, deterministic, model_version.
        labels: one row per labelled pair: record_key_l, record_key_r.
        threshold_log2: bits from which a pair is an edge.
        pairs: how many to draw; fewer where there are fewer.
        seed: of the hash.
    Returns: one row per pair: record_key_l, record_key_r, model_version, stratum.
    """
    keys = (c.RECORD_KEY_L, c.RECORD_KEY_R)
    new = pair_scores.join(labels.select(*keys), on=list(keys), how="left_anti")
    new = new.select(*keys, c.MODEL_VERSION, stratum_expr(threshold_log2).alias(STRATUM))
    counts = {row[STRATUM]: int(row["count"]) for row in new.groupBy(STRATUM).count().collect()}
    wanted = quotas(counts, pairs)
    hashed = F.xxhash64(F.lit(seed), *keys)
    likely = {stratum: min(1.0, (2 * quota + 20) / counts[stratum]) for stratum, quota in wanted.items()}
    drawn = new.where(F.pmod(hashed, F.lit(_HASHES)) < _by_stratum(likely) * _HASHES)
    rank = F.row_number().over(Window.partitionBy(STRATUM).orderBy(hashed, *keys))
    ranked = drawn.withColumn("rank", rank)
    return ranked.where(F.col("rank") <= _by_stratum(wanted)).select(*keys, c.MODEL_VERSION, STRATUM)


def quotas(counts: Mapping[int, int], pairs: int) -> dict[int, int]:
    """How many pairs to draw of each stratum: by SHARES, and what one lacks from those that have more.

    Args:
        counts: pairs by stratum.
        pairs: to draw of all.
    """
    quota = dict.fromkeys(counts, 0)
    left = min(pairs, sum(counts.values()))
    while left:
        free = [stratum for stratum in sorted(counts) if quota[stratum] < counts[stratum]]
        total = sum(SHARES[stratum] for stratum in free)
        given = {it: min(int(left * SHARES[it] / total), counts[it] - quota[it]) for it in free}
        if not any(given.values()):
            given = dict.fromkeys(sorted(free, key=lambda it: -SHARES[it])[:left], 1)
        for stratum, more in given.items():
            quota[stratum] += more
        left -= sum(given.values())
    return quota


def _by_stratum(values: Mapping[int, float]) -> Column:
    chosen = F.lit(0.0)
    for stratum, value in values.items():
        chosen = F.when(F.col(STRATUM) == stratum, F.lit(float(value))).otherwise(chosen)
    return chosen
