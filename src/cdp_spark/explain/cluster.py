"""Explain one cluster from the tables of the last run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.clustering.kinds import VISITOR
from cdp_spark.clustering.labels import MUST_LINK
from cdp_spark.errors import DataError, StateError
from cdp_spark.explain.identifiers import read_holdings
from cdp_spark.explain.merges import Merge, replay_merges, weakest_merge
from cdp_spark.explain.pairs.surroundings import MAX_RECORDS, read_links, read_members
from cdp_spark.explain.visitors import VisitorPlace, place_visitors
from cdp_spark.tables.catalog import CLUSTERS, CUTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.config.match import ClusteringConfig
    from cdp_spark.explain.pairs.facts import RecordName
    from cdp_spark.tables.store import Store

MAX_TOLD = 50
"""Cuts and labels that are told."""


@dataclass(frozen=True)
class Cut:
    """An edge to another cluster that was not used.

    Args:
        record_key: inside the cluster.
        other_key: outside; where a visitor was cut, one of both is the name of the cluster that it was kept from.
        weight_log2: bits; None of what no model weighs: a label, or a visitor's identifier.
        reason: a CutReason or LimitReason.
        identifier_type: of the identifier that would have joined them; None where none would.
    """

    record_key: str
    other_key: str
    weight_log2: float | None
    reason: str
    identifier_type: str | None = None


@dataclass(frozen=True)
class LabelInForce:
    """A label of which one record at least is in the cluster."""

    record_key_l: str
    record_key_r: str
    label: str


@dataclass(frozen=True)
class ClusterExplanation:
    """How a cluster came together.

    Args:
        cluster: its name, its smallest record_key.
        records: that are compared, by record_key.
        visitors: by record_key, and what led each here.
        merges: the steps, in order.
        cut_counts: edges to other clusters that were not used, by reason.
        cuts: the heaviest of them.
        labels: in force.
    """

    cluster: str
    records: tuple[RecordName, ...]
    visitors: tuple[VisitorPlace, ...]
    merges: tuple[Merge, ...]
    cut_counts: Mapping[str, int]
    cuts: tuple[Cut, ...]
    labels: tuple[LabelInForce, ...]

    @property
    def weakest(self) -> Merge | None:
        """Its weakest link; None of a single record."""
        return weakest_merge(self.merges)

    @property
    def replayed(self) -> bool:
        """False where its own pairs do not make it: scores or labels are newer, or a record outside made it wait."""
        return len(self.merges) >= len(self.records) - 1


@dataclass(frozen=True)
class Settings:
    """How the clusters were made.

    Args:
        clustering: says what a pair counts that was never compared.
        linking: types of identifiers that join records, whatever they weigh.
        types: of identifiers, by priority.
    """

    clustering: ClusteringConfig
    linking: Sequence[str] = ()
    types: Sequence[str] = ()


def explain_clusters(store: Store, record_keys: Sequence[str], *, settings: Settings) -> tuple[ClusterExplanation, ...]:
    """Explain the clusters of some records, which are one cluster for most people.

    Args:
        store: the warehouse.
        record_keys: of the records; at least one.
        settings: how the clusters were made.

    Raises:
        StateError: the records were never clustered.
        DataError: a cluster is too large to be brought to the driver.
    """
    own = store.read(CLUSTERS).where(F.col(c.RECORD_KEY).isin(list(record_keys)))
    names = [row[0] for row in own.select(c.CLUSTER).distinct().orderBy(c.CLUSTER).collect()]
    if not names:
        raise StateError("table clusters", got="records that were never clustered", fix="`cdp run nightly` does")
    return tuple(_explain(store, name, settings) for name in names)


def _explain(store: Store, cluster: str, settings: Settings) -> ClusterExplanation:
    members = read_members(store, [cluster])
    if len(members) > MAX_RECORDS:
        raise DataError(f"cluster {cluster}", got=f"more than {MAX_RECORDS:,} records", fix="`cdp why` two of them")
    people, visitors = _parted([record for record, _ in members.values()])
    keys = [it.record_key for it in people]
    ends = store.spark.createDataFrame([(key,) for key in members], f"{c.RECORD_KEY} string")
    weights = read_links(store, keys, linking=settings.linking)
    held = read_holdings(store, list(members)) if visitors else {}
    cuts = touching(store.read(CUTS), ends)
    labels = _labels(store, ends)
    linked = [(it.record_key_l, it.record_key_r) for it in labels if it.label == MUST_LINK]
    counts = cuts.groupBy(c.REASON).count().orderBy(c.REASON).collect()
    return ClusterExplanation(
        cluster=cluster,
        records=people,
        visitors=place_visitors(visitors, people, held, settings.types, linked),
        merges=replay_merges(keys, weights, missing_weight=settings.clustering.missing_weight),
        cut_counts={row[c.REASON]: int(row["count"]) for row in counts},
        cuts=_cuts(cuts, set(members)),
        labels=labels,
    )


def _parted(records: Sequence[RecordName]) -> tuple[tuple[RecordName, ...], tuple[RecordName, ...]]:
    """The records that are compared, and the visitors; both by record_key."""
    ordered = sorted(records, key=lambda it: it.record_key)
    visitors = tuple(it for it in ordered if it.entity_type == VISITOR)
    return tuple(it for it in ordered if it.entity_type != VISITOR), visitors


def touching(pairs: DataFrame, records: DataFrame) -> DataFrame:
    """The pairs with one end at least among the records, which are few; each pair once."""
    sides = [records.select(F.col(c.RECORD_KEY).alias(side)) for side in (c.RECORD_KEY_L, c.RECORD_KEY_R)]
    left, right = F.broadcast(sides[0]), F.broadcast(sides[1])
    found = [
        pairs.join(left, on=c.RECORD_KEY_L, how="left_semi"),
        pairs.join(right, on=c.RECORD_KEY_R, how="left_semi").join(left, on=c.RECORD_KEY_L, how="left_anti"),
    ]
    return reduce(DataFrame.unionByName, found)


def _cuts(cuts: DataFrame, inside: set[str]) -> tuple[Cut, ...]:
    rows = cuts.orderBy(F.desc(c.WEIGHT_LOG2), c.RECORD_KEY_L, c.RECORD_KEY_R).limit(MAX_TOLD).collect()
    told = []
    for row in rows:
        own, other = row[c.RECORD_KEY_L], row[c.RECORD_KEY_R]
        own, other = (own, other) if own in inside else (other, own)
        told.append(Cut(own, other, row[c.WEIGHT_LOG2], row[c.REASON], row[c.IDENTIFIER_TYPE]))
    return tuple(told)


def _labels(store: Store, records: DataFrame) -> tuple[LabelInForce, ...]:
    labels = touching(read_current_labels(store), records)
    rows = labels.orderBy(c.LABEL, c.RECORD_KEY_L, c.RECORD_KEY_R).limit(MAX_TOLD).collect()
    return tuple(LabelInForce(row[c.RECORD_KEY_L], row[c.RECORD_KEY_R], row[c.LABEL]) for row in rows)
