"""Estimate how good the clusters are from an answered sheet, without a truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.evaluation.sampled import Estimate, Stratum, estimate_precision, estimate_recall
from cdp_spark.labelling.strata import STRATUM, stratum_expr, stratum_name
from cdp_spark.tables.checkpoint import cache_frame, release_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.labelling.answers import Answer

_TOGETHER = "together"


@dataclass(frozen=True)
class SampledFigures:
    """Figures of the clusters, estimated; intervals of 95%.

    Args:
        answered: pairs with yes or no that are still scored.
        unsure: pairs that were left out for an unsure answer.
        precision: share of matches among the compared pairs in one cluster.
        recall: share of these among the matches of all compared pairs from EDGES[0] bits up; a pair that was never
            compared, or weighs less, is in no stratum.
        strata: what the answers say about each class of pairs.
    """

    answered: int
    unsure: int
    precision: Estimate
    recall: Estimate
    strata: tuple[Stratum, ...]


def estimate_from_answers(
    answers: Sequence[Answer], pair_scores: DataFrame, clusters: DataFrame, *, threshold_log2: float
) -> SampledFigures:
    """Weigh the answers by how many pairs each class has (two aggregates).

    Args:
        answers: to a sheet of pairs drawn at random within strata of weight.
        pair_scores: one row per pair of one entity type: record_key_l, record_key_r, weight_log2, deterministic,
            model_version.
        clusters: one row per record: record_key, cluster.
        threshold_log2: bits from which a pair is an edge.

    Raises:
        DataError: the pairs were scored anew by another model since the sheet was made, or nothing was answered.
    """
    decided = {it.pair: it.verdict == "yes" for it in answers if it.verdict != "unsure"}
    if not decided:
        raise DataError("answers", got="no yes and no no", allowed="an answered sheet", fix="answer some pairs")
    _refuse_other_model(answers, pair_scores)
    classes = cache_frame(build_classes(pair_scores, clusters, threshold_log2=threshold_log2))
    sizes = classes.groupBy(STRATUM, _TOGETHER).count().collect()
    rows = [(*pair, is_match) for pair, is_match in decided.items()]
    said = classes.sparkSession.createDataFrame(rows, "record_key_l string, record_key_r string, is_match boolean")
    answered = classes.join(F.broadcast(said), on=[c.RECORD_KEY_L, c.RECORD_KEY_R], how="inner")
    counts = answered.groupBy(STRATUM, _TOGETHER).agg(F.count(F.lit(1)), F.count_if("is_match")).collect()
    release_frame(classes)
    found = {(row[0], row[1]): (row[2], row[3]) for row in counts}
    strata = {
        (row[0], row[1]): Stratum(stratum_name(row[0]), row[1], int(row[2]), *found.get((row[0], row[1]), (0, 0)))
        for row in sorted(sizes)
    }
    told = [it for (number, together), it in strata.items() if number > 0 or together]
    return SampledFigures(
        answered=sum(it.answered for it in strata.values()),
        unsure=sum(it.verdict == "unsure" for it in answers),
        precision=estimate_precision(told),
        recall=estimate_recall(told),
        strata=tuple(strata.values()),
    )


def build_classes(pair_scores: DataFrame, clusters: DataFrame, *, threshold_log2: float) -> DataFrame:
    """The stratum of each pair, and whether it is in one cluster: record_key_l, record_key_r, stratum, together."""
    pairs = pair_scores.select(c.RECORD_KEY_L, c.RECORD_KEY_R, stratum_expr(threshold_log2).alias(STRATUM))
    for side in "lr":
        placed = clusters.select(F.col(c.RECORD_KEY).alias(f"record_key_{side}"), F.col(c.CLUSTER).alias(f"of_{side}"))
        pairs = pairs.join(placed, on=f"record_key_{side}", how="inner")
    return pairs.select(c.RECORD_KEY_L, c.RECORD_KEY_R, STRATUM, (F.col("of_l") == F.col("of_r")).alias(_TOGETHER))


def _refuse_other_model(answers: Sequence[Answer], pair_scores: DataFrame) -> None:
    """Under another model the strata are others, and the pairs no random sample of them."""
    now = {row[0] for row in pair_scores.select(c.MODEL_VERSION).distinct().collect()}
    then = {it.model_version for it in answers if it.model_version is not None}
    if not then <= now:
        got = f"a sheet of pairs of model {', '.join(map(str, sorted(then - now)))}"
        allowed = f"pairs of model {', '.join(map(str, sorted(now)))}"
        raise DataError("answers", got=got, allowed=allowed, fix="`cdp label` a new sheet, or `cdp evaluate --labels`")
