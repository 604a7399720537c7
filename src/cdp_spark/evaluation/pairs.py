"""Compared pairs beside a truth: what blocking missed, what each threshold gives, what became of true pairs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.evaluation.figures import CLUSTER, ENTITY, RECORD, Share, pair_share

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

IS_TRUE, TOGETHER = "is_true", "together"
LOWEST_BITS, HIGHEST_BITS = -20, 30
"""Thresholds beyond are not told apart."""

DETERMINISTIC, ABOVE, BELOW, NOT_COMPARED = "deterministic rule", "above threshold", "below threshold", "not compared"


@dataclass(frozen=True)
class Threshold:
    """Pairs of at least a weight, taken as they are, without clusters.

    Args:
        bits: the weight; a pair that a deterministic rule joins is above every threshold.
        pairs: of at least that weight.
        share: precision, and recall over all true pairs, compared or not.
    """

    bits: int
    pairs: int
    share: Share


@dataclass(frozen=True)
class PairFigures:
    """Compared pairs of records that the truth names.

    Args:
        compared: pairs.
        compared_true: of them about one entity.
        sweep: by ascending weight.
        missed: true pairs in two clusters, by what the pair's evidence was.
        false: pairs in one cluster about two entities, by what the pair's evidence was.
    """

    compared: int
    compared_true: int
    sweep: tuple[Threshold, ...]
    missed: dict[str, int]
    false: dict[str, int]


def build_judged_pairs(pair_scores: DataFrame, judged: DataFrame) -> DataFrame:
    """Say of each compared pair whether it is true, and whether it is in one cluster.

    Args:
        pair_scores: one row per pair: record_key_l, record_key_r, weight_log2, deterministic.
        judged: one row per record of the truth: record_id (a record_key), entity_id, cluster_id or null.
    Returns: one row per pair of which the truth names both records: record_key_l, record_key_r, weight_log2,
        deterministic, is_true, together.
    """
    sides = [
        judged.select(*[F.col(name).alias(f"{name}_{side}") for name in (RECORD, ENTITY, CLUSTER)]) for side in "lr"
    ]
    pairs = pair_scores.join(sides[0], on=F.col(c.RECORD_KEY_L) == F.col(f"{RECORD}_l"), how="inner")
    pairs = pairs.join(sides[1], on=F.col(c.RECORD_KEY_R) == F.col(f"{RECORD}_r"), how="inner")
    return pairs.select(
        c.RECORD_KEY_L,
        c.RECORD_KEY_R,
        c.WEIGHT_LOG2,
        c.DETERMINISTIC,
        (F.col(f"{ENTITY}_l") == F.col(f"{ENTITY}_r")).alias(IS_TRUE),
        F.coalesce(F.col(f"{CLUSTER}_l") == F.col(f"{CLUSTER}_r"), F.lit(False)).alias(TOGETHER),
    )


def measure_pairs(
    judged_pairs: DataFrame, *, threshold_log2: float, true_pairs: int, found_pairs: int, correct_pairs: int
) -> PairFigures:
    """Count compared pairs by weight, truth and cluster in one aggregate (an action).

    Args:
        judged_pairs: as `build_judged_pairs` makes them.
        threshold_log2: bits from which a pair is an edge.
        true_pairs: of the truth.
        found_pairs: of the clusters.
        correct_pairs: both.
    """
    bounded = F.least(F.greatest(F.floor(c.WEIGHT_LOG2), F.lit(LOWEST_BITS)), F.lit(HIGHEST_BITS))
    bits = F.when(F.col(c.DETERMINISTIC), F.lit(HIGHEST_BITS)).otherwise(bounded).cast("int").alias("bits")
    evidence = evidence_expr(threshold_log2).alias("evidence")
    rows = judged_pairs.groupBy(bits, evidence, IS_TRUE, TOGETHER).count().collect()
    counts = [(row["bits"], row["evidence"], row[IS_TRUE], row[TOGETHER], int(row["count"])) for row in rows]
    missed = _by_evidence([(kind, n) for _, kind, true, together, n in counts if true and not together])
    false = _by_evidence([(kind, n) for _, kind, true, together, n in counts if together and not true])
    missed[NOT_COMPARED] = true_pairs - correct_pairs - sum(missed.values())
    false[NOT_COMPARED] = found_pairs - correct_pairs - sum(false.values())
    return PairFigures(
        compared=sum(n for *_, n in counts),
        compared_true=sum(n for _, _, true, _, n in counts if true),
        sweep=_sweep([(low, true, n) for low, _, true, _, n in counts], true_pairs),
        missed=missed,
        false=false,
    )


def evidence_expr(threshold_log2: float) -> Column:
    """What a compared pair's own evidence was."""
    above = F.when(F.col(c.WEIGHT_LOG2) >= threshold_log2, F.lit(ABOVE)).otherwise(F.lit(BELOW))
    return F.when(F.col(c.DETERMINISTIC), F.lit(DETERMINISTIC)).otherwise(above)


def _by_evidence(counts: list[tuple[str, int]]) -> dict[str, int]:
    return {name: sum(n for kind, n in counts if kind == name) for name in (DETERMINISTIC, ABOVE, BELOW)}


def _sweep(counts: list[tuple[int, bool, int]], true_pairs: int) -> tuple[Threshold, ...]:
    """Cumulate from the highest weight down."""
    if not counts:
        return ()
    weights = range(max(it[0] for it in counts), min(it[0] for it in counts) - 1, -1)
    pairs = accumulate(sum(n for low, _, n in counts if low == bits) for bits in weights)
    true = accumulate(sum(n for low, is_true, n in counts if is_true and low == bits) for bits in weights)
    swept = [
        Threshold(bits, found, pair_share(correct, found=found, true=true_pairs))
        for bits, found, correct in zip(weights, pairs, true, strict=True)
    ]
    return tuple(reversed(swept))
