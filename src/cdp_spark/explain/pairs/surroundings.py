"""Where the last run put two records, and what else is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.clustering.kinds import VISITOR
from cdp_spark.clustering.labels import CERTAIN, MUST_LINK
from cdp_spark.explain.chain import Link, strongest_chain
from cdp_spark.explain.identifiers import build_links_among
from cdp_spark.explain.pairs.facts import Neighbour, RecordName, Surroundings
from cdp_spark.tables.catalog import CLUSTERS, CUTS, PAIR_SCORES, RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.tables.store import Store

MAX_NEIGHBOURS = 50
"""Neighbours that are told."""
MAX_RECORDS = 20_000
"""Records of the clusters whose pairs are brought to the driver."""

Weights = dict[tuple[str, str], float]


def read_surroundings(store: Store, pair: tuple[RecordName, RecordName], *, linking: Sequence[str]) -> Surroundings:
    """Clusters, cut, neighbours and chain of a pair, as the last run left them.

    Args:
        store: the warehouse.
        pair: the records.
        linking: types of identifiers that join records.
    """
    keys = [it.record_key for it in pair]
    clusters = store.read(CLUSTERS)
    own = {row[c.RECORD_KEY]: row for row in clusters.where(F.col(c.RECORD_KEY).isin(keys)).collect()}
    left, right = (own.get(key) for key in keys)
    members = read_members(store, [row[c.CLUSTER] for row in own.values()])
    names = {key: it for key, it in members.items() if it[0].entity_type != VISITOR}
    weights = read_links(store, list(names), linking=linking) if 2 <= len(names) <= MAX_RECORDS else {}
    together = left is not None and right is not None and left[c.CLUSTER] == right[c.CLUSTER]
    links = [Link(*ends, weight) for ends, weight in weights.items()]
    return Surroundings(
        cluster_l=left[c.CLUSTER] if left else None,
        cluster_r=right[c.CLUSTER] if right else None,
        one_component=left is not None and right is not None and left[c.COMPONENT] == right[c.COMPONENT],
        cut_reason=_cut_reason(store, keys),
        neighbours=_neighbours(names, weights, keys),
        neighbour_count=len(names.keys() - set(keys)),
        chain=strongest_chain(links, *keys) if together else (),
    )


def read_members(store: Store, clusters: Sequence[str]) -> dict[str, tuple[RecordName, str]]:
    """The records of some clusters with their cluster, by record_key in its order (an action)."""
    members = store.read(CLUSTERS).where(F.col(c.CLUSTER).isin(sorted(set(clusters))))
    wanted = members.select(c.RECORD_KEY, c.CLUSTER)
    named = (c.RECORD_KEY, c.SOURCE, c.SOURCE_RECORD_ID, c.ENTITY_TYPE)
    records = store.read(RECORDS).select(*named).join(F.broadcast(wanted), on=c.RECORD_KEY, how="inner")
    rows = records.orderBy(c.RECORD_KEY).limit(MAX_RECORDS + 1).collect()
    return {row[c.RECORD_KEY]: (RecordName(*row[:4]), row[c.CLUSTER]) for row in rows}


def read_links(store: Store, keys: Sequence[str], *, linking: Sequence[str]) -> Weights:
    """Weight of each pair among some records; infinite where a rule, an identifier or a label joins it (an action).

    Args:
        store: the warehouse.
        keys: record keys, at most MAX_RECORDS.
        linking: types of identifiers that join records.
    """
    rows = build_evidence_among(store, keys, linking=linking).collect()
    certain, found = float("inf"), Weights()
    for row in rows:  # an identifier may join a pair that was compared, too
        pair, weight = (row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]), row[c.WEIGHT_LOG2]
        found[pair] = max(certain if row[c.DETERMINISTIC] else weight, found.get(pair, weight))
    return found


def build_evidence_among(store: Store, keys: Sequence[str], *, linking: Sequence[str]) -> DataFrame:
    """The pairs among some records as clustering sees them: scored, must-linked, joined by an identifier.

    Args:
        store: the warehouse.
        keys: of the records.
        linking: types of identifiers that join records.
    Returns: one row per pair and kind of evidence: record_key_l, record_key_r, weight_log2, deterministic.
    """
    ends = store.spark.createDataFrame([(key,) for key in keys], "record_key string")
    pairs = inside(store.read(PAIR_SCORES), ends).select(c.RECORD_KEY_L, c.RECORD_KEY_R, c.WEIGHT_LOG2, c.DETERMINISTIC)
    evidence = _with_must_links(pairs, inside(read_current_labels(store), ends))
    if not linking:
        return evidence
    return evidence.unionByName(_as_certain_pairs(inside(build_links_among(store, keys, linking), ends)))


def inside(pairs: DataFrame, records: DataFrame) -> DataFrame:
    """The pairs with both ends among the records, which are few."""
    for side in (c.RECORD_KEY_L, c.RECORD_KEY_R):
        ends = F.broadcast(records.select(F.col(c.RECORD_KEY).alias(side)))
        pairs = pairs.join(ends, on=side, how="left_semi")
    return pairs


def _cut_reason(store: Store, keys: list[str]) -> str | None:
    of_pair = (F.col(c.RECORD_KEY_L) == keys[0]) & (F.col(c.RECORD_KEY_R) == keys[1])
    rows = store.read(CUTS).where(of_pair).orderBy(F.desc(c.RUN_ID)).limit(1).collect()
    return rows[0][c.REASON] if rows else None


def _neighbours(
    names: Mapping[str, tuple[RecordName, str]], weights: Weights, keys: list[str]
) -> tuple[Neighbour, ...]:
    found = []
    for key, (record, cluster) in names.items():
        if key not in keys:
            left, right = (weights.get((min(key, own), max(key, own))) for own in keys)
            found.append(Neighbour(record, cluster, left, right))
    found.sort(key=lambda it: (-_strength(it), it.record.record_key))
    return tuple(found[:MAX_NEIGHBOURS])


def _strength(neighbour: Neighbour) -> float:
    known = [weight for weight in (neighbour.weight_l, neighbour.weight_r) if weight is not None]
    return max(known, default=float("-inf"))


def _with_must_links(pair_scores: DataFrame, labels: DataFrame) -> DataFrame:
    """Let a must-link join its pair like a deterministic rule, whether or not the pair was compared."""
    keys, must = [c.RECORD_KEY_L, c.RECORD_KEY_R], labels.where(F.col(c.LABEL) == MUST_LINK)
    compared = pair_scores.select(*keys, c.WEIGHT_LOG2, c.DETERMINISTIC).join(must, on=keys, how="left_anti")
    return compared.unionByName(_as_certain_pairs(must))


def _as_certain_pairs(pairs: DataFrame) -> DataFrame:
    """Weigh pairs that join first, whether or not they were compared."""
    weight, joins = F.lit(CERTAIN).alias(c.WEIGHT_LOG2), F.lit(True).alias(c.DETERMINISTIC)
    return pairs.select(c.RECORD_KEY_L, c.RECORD_KEY_R, weight, joins)
