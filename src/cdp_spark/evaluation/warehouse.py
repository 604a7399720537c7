"""Evaluate the clusters of a warehouse against a truth, or against the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.clustering.labels import MUST_LINK
from cdp_spark.evaluation.figures import ClusterFigures, Share, measure_clusters, pair_share
from cdp_spark.evaluation.mistakes.worst import Wanted, read_mistakes
from cdp_spark.evaluation.pairs import PairFigures, build_judged_pairs, measure_pairs
from cdp_spark.evaluation.truth import judge_records
from cdp_spark.tables.catalog import CLUSTERS, PAIR_SCORES, RECORDS
from cdp_spark.tables.checkpoint import cache_frame, release_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.evaluation.mistakes.words import Mistake
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class Evaluation:
    """Clusters against a truth.

    Args:
        figures: of the clusters.
        pairs: of the compared pairs; None where only files were compared.
        mistakes: the worst, false merges first.
    """

    figures: ClusterFigures
    pairs: PairFigures | None = None
    mistakes: tuple[Mistake, ...] = ()

    @property
    def blocking_recall(self) -> float | None:
        """Share of the true pairs that were compared."""
        if self.pairs is None:
            return None
        return self.pairs.compared_true / self.figures.true_pairs if self.figures.true_pairs else 1.0


@dataclass(frozen=True)
class LabelFigures:
    """The labels in force against the last run.

    Args:
        must_links: labelled pairs that belong together.
        cannot_links: labelled pairs that do not.
        clusters: precision and recall of being in one cluster.
        model: the same of being at or above the threshold by the model alone, which knows of no label.
        not_compared: must-links that the model never saw.
    """

    must_links: int
    cannot_links: int
    clusters: Share
    model: Share
    not_compared: int


def evaluate_warehouse(
    store: Store,
    entity_type: str,
    truth: DataFrame,
    *,
    threshold_log2: float,
    worst: int,
    linking: Sequence[str] = (),
) -> Evaluation:
    """Judge the last run's clusters and pairs by a truth.

    Args:
        store: the warehouse.
        entity_type: person or account.
        truth: as `evaluation.truth.read_groups` gives it, under the name entity_id.
        threshold_log2: bits from which a pair is an edge.
        worst: mistakes of each kind that are told.
        linking: types of identifiers that join records, whatever they weigh.
    """
    records = store.read_of_type(RECORDS, entity_type)
    scores = store.read_of_type(PAIR_SCORES, entity_type)
    judged = cache_frame(judge_records(records, store.read_of_type(CLUSTERS, entity_type), truth))
    figures = measure_clusters(judged)
    judged_pairs = cache_frame(build_judged_pairs(scores, judged))
    pairs = measure_pairs(
        judged_pairs,
        threshold_log2=threshold_log2,
        true_pairs=figures.true_pairs,
        found_pairs=figures.found_pairs,
        correct_pairs=figures.correct_pairs,
    )
    wanted = Wanted(entity_type, threshold_log2, worst, tuple(linking))
    mistakes = read_mistakes(store, judged, judged_pairs, wanted)
    for frame in (judged, judged_pairs):
        release_frame(frame)
    return Evaluation(figures, pairs, mistakes)


def evaluate_labels(store: Store, entity_type: str, *, threshold_log2: float) -> LabelFigures:
    """Judge the last run by the labels in force; labels that a run obeyed say nothing about its clusters.

    Args:
        store: the warehouse.
        entity_type: person or account.
        threshold_log2: bits from which a pair is an edge.
    """
    keys = [c.RECORD_KEY_L, c.RECORD_KEY_R]
    clusters, pairs = store.read_of_type(CLUSTERS, entity_type), read_current_labels(store)
    for side in "lr":
        placed = clusters.select(F.col(c.RECORD_KEY).alias(f"record_key_{side}"), F.col(c.CLUSTER).alias(f"of_{side}"))
        pairs = pairs.join(placed, on=f"record_key_{side}", how="inner")
    scores = store.read_of_type(PAIR_SCORES, entity_type).select(*keys, c.WEIGHT_LOG2, c.DETERMINISTIC)
    judged = pairs.join(scores, on=keys, how="left").select(
        (F.col(c.LABEL) == MUST_LINK).alias("must"),
        (F.col("of_l") == F.col("of_r")).alias("together"),
        F.coalesce(F.col(c.DETERMINISTIC) | (F.col(c.WEIGHT_LOG2) >= threshold_log2), F.lit(False)).alias("above"),
        F.col(c.WEIGHT_LOG2).isNotNull().alias("compared"),
    )
    rows = [(*row[:4], int(row["count"])) for row in judged.groupBy(*judged.columns).count().collect()]
    must = sum(n for is_must, *_, n in rows if is_must)
    return LabelFigures(
        must_links=must,
        cannot_links=sum(n for *_, n in rows) - must,
        clusters=_share([(is_must, together, n) for is_must, together, _, _, n in rows]),
        model=_share([(is_must, above, n) for is_must, _, above, _, n in rows]),
        not_compared=sum(n for is_must, _, _, compared, n in rows if is_must and not compared),
    )


def _share(counts: list[tuple[bool, bool, int]]) -> Share:
    """Precision and recall from (is true, is found, pairs)."""
    found = sum(n for _, is_found, n in counts if is_found)
    true = sum(n for is_true, _, n in counts if is_true)
    return pair_share(sum(n for is_true, is_found, n in counts if is_true and is_found), found=found, true=true)
