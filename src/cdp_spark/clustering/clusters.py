"""Clusters: average linkage inside every component, in one pass over batches of components."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.batch import CANNOT_LINK, CUTS, REFINED_SCHEMA, refine_batch
from cdp_spark.clustering.engines.base import Materialise, local_checkpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import ClusteringConfig

_BATCH = "batch"
_BATCH_RECORDS = 20_000
_BROADCAST_RECORDS = 3_000_000
"""Up to so many records their components are sent to every task (about 100 bytes a record), and pairs stay in place."""
_PLACE, _PLACE_R = "place", "place_r"
_EVIDENCE = (c.RECORD_KEY_L, c.RECORD_KEY_R, c.WEIGHT_LOG2, c.DETERMINISTIC, CANNOT_LINK)


@dataclass(frozen=True)
class Clusters:
    """Refined clusters and the edges that they left unused.

    Args:
        clusters: one row per record: record_key, component, cluster (the cluster's smallest record_key).
        cuts: one row per edge with its ends in two clusters of one component: record_key_l, record_key_r,
            weight_log2, reason (a CutReason).
    """

    clusters: DataFrame
    cuts: DataFrame


def build_clusters(
    members: DataFrame,
    pair_scores: DataFrame,
    cannot_links: DataFrame,
    *,
    config: ClusteringConfig,
    unique_within: tuple[str, ...] = (),
    materialise: Materialise = local_checkpoint,
) -> Clusters:
    """Split every component into clusters by average linkage on match weights.

    Weights are clipped at ±12 bits; a pair that was never compared counts `config.missing_weight`. Two clusters join
    while the mean over all their pairs is positive, the largest first, ties by the smallest keys. A deterministic
    pair joins before all others. No two records with a cannot-link, with two values of a `config.unique` column, or
    with one value of a `unique_within` column are ever in one cluster. Negative pairs are evidence, too: pass them.
    Members are counted and then used, so pass a table or a materialised frame.

    Args:
        members: one row per record: record_key, component, and the columns that the constraints name.
        pair_scores: one row per pair: record_key_l, record_key_r, weight_log2, deterministic.
        cannot_links: one row per pair: record_key_l, record_key_r.
        config: threshold, weights and sizes.
        unique_within: columns of which a cluster may hold no value twice, such as a duplicate-free source; null is
            no value.
        materialise: computes the single pass that both results are read from.
    Raises: DataError: a pair that is not deterministic has no weight.
    """
    records = members.count()
    place = F.xxhash64(c.COMPONENT)
    guards = guard_exprs((*config.unique, *unique_within))
    batched = members.select(_batch_expr(place, records), c.RECORD_KEY, c.COMPONENT, *guards)
    places = members.select(c.RECORD_KEY, place.alias(_PLACE))
    united = unite_evidence(pair_scores, cannot_links)
    evidence = build_evidence(places, united, broadcast=records <= _BROADCAST_RECORDS)
    pairs = evidence.select(_batch_expr(F.col(_PLACE), records), *_EVIDENCE)
    cluster_batch = partial(refine_batch, config=config, unique_within=unique_within)
    refined = materialise(
        batched.groupBy(_BATCH).cogroup(pairs.groupBy(_BATCH)).applyInArrow(cluster_batch, REFINED_SCHEMA)
    )
    return as_clusters(refined)


def as_clusters(refined: DataFrame) -> Clusters:
    """The two frames that refined records hold.

    Args:
        refined: of REFINED_SCHEMA; computed anew for each of the two.
    """
    return Clusters(refined.select(c.RECORD_KEY, c.COMPONENT, c.CLUSTER), build_cuts(refined))


def guard_exprs(names: Sequence[str]) -> list[Column]:
    """The columns that constraints name, as `refine_batch` compares them: as text."""
    return [F.col(name).cast("string").alias(name) for name in names]


def _batch_expr(place: Column, records: int) -> Column:
    return F.pmod(place, F.lit(records // _BATCH_RECORDS + 1)).alias(_BATCH)


def unite_evidence(pair_scores: DataFrame, cannot_links: DataFrame) -> DataFrame:
    """Put scored pairs and cannot-links into one frame.

    Args:
        pair_scores: as `build_clusters` takes them.
        cannot_links: as `build_clusters` takes them.
    Returns: one row per pair: record_key_l, record_key_r, weight_log2, deterministic, cannot_link.
    """
    no = F.lit(False)
    scored = pair_scores.select(*_EVIDENCE[:-1], no.alias(CANNOT_LINK))
    unknown = F.lit(None).cast("double").alias(c.WEIGHT_LOG2)
    forbidden = cannot_links.select(
        c.RECORD_KEY_L, c.RECORD_KEY_R, unknown, no.alias(c.DETERMINISTIC), F.lit(True).alias(CANNOT_LINK)
    )
    return scored.unionByName(forbidden)


def build_evidence(places: DataFrame, evidence: DataFrame, *, broadcast: bool) -> DataFrame:
    """Put each pair into the component of its left record.

    Args:
        places: one row per record: record_key, place: a hash of its component.
        evidence: from `unite_evidence`.
        broadcast: send the places to every task; then pairs across two components, most of all, never travel.
    Returns: the pairs with their `place`.
    """
    of_left = places.withColumnRenamed(c.RECORD_KEY, c.RECORD_KEY_L)
    if broadcast:
        of_right = places.withColumnsRenamed({c.RECORD_KEY: c.RECORD_KEY_R, _PLACE: _PLACE_R})
        evidence = evidence.join(F.broadcast(of_right), on=c.RECORD_KEY_R, how="inner")
        placed = evidence.join(F.broadcast(of_left), on=c.RECORD_KEY_L, how="inner").where(
            F.col(_PLACE) == F.col(_PLACE_R)
        )
    else:
        placed = evidence.join(of_left, on=c.RECORD_KEY_L, how="inner")
    return placed.select(_PLACE, *_EVIDENCE)


def build_cuts(refined: DataFrame) -> DataFrame:
    """Unfold the cuts that each batch attached to their left record."""
    cut = "cut"
    return refined.select(F.col(c.RECORD_KEY).alias(c.RECORD_KEY_L), F.explode(CUTS).alias(cut)).select(
        c.RECORD_KEY_L, f"{cut}.{c.RECORD_KEY_R}", f"{cut}.{c.WEIGHT_LOG2}", f"{cut}.{c.REASON}"
    )
