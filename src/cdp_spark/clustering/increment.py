"""Which components a night's changes can alter; all others keep their clusters and cuts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.tables.actions.held import hold, keep
from cdp_spark.tables.catalog import CLUSTERS, CUTS, IDENTIFIERS, LABELS, PAIR_SCORES
from cdp_spark.tables.increments.outdated import build_in_force
from cdp_spark.tables.increments.touched import MATCHING, read_touched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from cdp_spark.tables.actions.held import Held
    from cdp_spark.tables.run import RunContext

MAX_TOUCHED_SHARE = 0.3
"""Beyond this share of touched records it is cheaper to cluster all."""
SETTINGS_FIGURE = "clusters.settings"
"""Behind the entity type, the checksum of the settings that its clusters were made with."""
RECORDS_FIGURE = "clusters.records"
LAST_CLUSTER = "last_cluster"
_TIMES = "times"


@dataclass(frozen=True)
class Night:
    """What an entity type's clusters are made from.

    Args:
        why: in words, for the run's record.
        last_clusters: of the entity type in the last night; None for a full night.
        last_cuts: likewise.
        affected: record_key of the records that are clustered anew, those that are gone included, and their
            `last_cluster`, null for a new one; None for all.
    """

    why: str
    last_clusters: DataFrame | None = None
    last_cuts: DataFrame | None = None
    affected: Held | None = None

    @property
    def affected_keys(self) -> DataFrame | None:
        """record_key of the affected records, to be joined to."""
        return None if self.affected is None else self.affected.joinable.select(c.RECORD_KEY)


@dataclass(frozen=True)
class Evidence:
    """What decides about the clusters of an entity type.

    Args:
        members: one row per record.
        pairs: one row per scored pair, those out of force among them.
        outdated: says which are out of force.
        identifiers: of the records.
        linking: types of identifiers that join records.
        unique: types of which a cluster has one value.
    """

    members: DataFrame
    pairs: DataFrame
    outdated: DataFrame
    identifiers: DataFrame
    linking: Sequence[str]
    unique: Sequence[str]

    @property
    def pairs_in_force(self) -> DataFrame:
        """The pairs that count."""
        return build_in_force(self.pairs, self.outdated, PAIR_SCORES.dated_by)

    def within(self, record_keys: DataFrame) -> Evidence:
        """The evidence about some records; members and pairs are kept."""
        few = replace(self, pairs=within(self.pairs, record_keys))  # first, for most pairs are of other records
        return replace(
            few,
            members=keep(self.members.join(record_keys, on=c.RECORD_KEY, how="left_semi")),
            pairs=keep(few.pairs_in_force),
            outdated=self.outdated.limit(0),
            identifiers=self.identifiers.join(record_keys, on=c.RECORD_KEY, how="left_semi"),
        )


def plan_night(context: RunContext, entity_type: str, evidence: Evidence) -> Night:
    """Find the records to cluster anew, or why it is all of them.

    Args:
        context: of the run; without an earlier night to build on, this one is full.
        entity_type: whose clusters these are.
        evidence: of all its records.
    """
    touched = _read_touched(context, entity_type)
    last = context.last
    if touched is None or last is None:
        return Night("full: asked for" if context.full else "full: matching compared all records")
    of_type = F.col(c.ENTITY_TYPE) == entity_type
    clusters, cuts = (context.store.read(it, version=last.written[it.name]).where(of_type) for it in (CLUSTERS, CUTS))
    types = {*evidence.linking, *evidence.unique}
    if types:
        before = context.store.read(IDENTIFIERS, version=last.versions[IDENTIFIERS.name]).where(of_type)
        touched = touched.unionByName(build_changed_values(evidence.identifiers, before, sorted(types)))
    held = hold(with_labelled(touched, context.store.read(LABELS)))
    if held.count > MAX_TOUCHED_SHARE * (context.last_figure(RECORDS_FIGURE) or 0.0):
        return Night("full: too many records changed")
    affected = hold(build_affected(held.joinable, clusters))
    told = f"incremental: {affected.count:,} records in affected components"
    return Night(told, clusters, cuts, affected)


def _read_touched(context: RunContext, entity_type: str) -> DataFrame | None:
    """What matching worked on since clusters were made last; None where that was all, or cannot be told."""
    if context.last is None or not builds_on_last(context, entity_type):
        return None
    return read_touched(context, MATCHING, since=context.last.ordinal, entity_type=entity_type)


def builds_on_last(context: RunContext, entity_type: str) -> bool:
    """True where the clusters of the last finished night are there, made with the settings of tonight."""
    last, settings = context.last, settings_checksum(context.project, entity_type)
    if last is None or context.full or context.last_figure(f"{entity_type}.{SETTINGS_FIGURE}") != settings:
        return False
    return {CLUSTERS.name, CUTS.name, IDENTIFIERS.name} <= set(last.versions)


def with_labelled(touched: DataFrame, labels: DataFrame) -> DataFrame:
    """Add all records that have a label: they are few, and a label that was replaced counts like one that is new.

    Args:
        touched: record_key.
        labels: record_key_l, record_key_r.
    Returns: one row per record_key.
    """
    labelled = labels.select(F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY))
    return touched.select(c.RECORD_KEY).unionByName(labelled).distinct()


def build_affected(touched: DataFrame, last_clusters: DataFrame) -> DataFrame:
    """Widen the touched records to all records of their components of the last night.

    Both ends of a new edge are touched, and an edge that is gone was inside a component of a touched record: no edge
    leads from an affected record to another one.

    Args:
        touched: record_key of records that are new, changed or gone, of both ends of new edges, and of all that have a
            label.
        last_clusters: record_key, component, cluster.
    Returns: one row per record_key, of records that are gone, too, with its `last_cluster`, null for a new one.
    """
    components = last_clusters.join(touched, on=c.RECORD_KEY, how="left_semi").select(c.COMPONENT).distinct()
    mates = last_clusters.join(components, on=c.COMPONENT, how="left_semi")
    known = mates.select(c.RECORD_KEY, F.col(c.CLUSTER).alias(LAST_CLUSTER))
    all_keys = known.unionByName(touched.select(c.RECORD_KEY, F.lit(None).cast("string").alias(LAST_CLUSTER)))
    return all_keys.groupBy(c.RECORD_KEY).agg(F.max(LAST_CLUSTER).alias(LAST_CLUSTER))


def build_reclustered(now: DataFrame, before: DataFrame) -> DataFrame:
    """Find the records of the clusters that have other members than in the last night.

    Args:
        now: record_key, cluster (its smallest record_key) of the affected records that are there.
        before: from `build_affected`.
    Returns: one row per record_key, of records that are gone, too.
    """
    nights = (c.CLUSTER, LAST_CLUSTER)
    both = before.join(now.select(c.RECORD_KEY, c.CLUSTER), on=c.RECORD_KEY, how="left")
    moved = both.where(~F.col(c.CLUSTER).eqNullSafe(F.col(LAST_CLUSTER)))
    changed = moved.select(F.explode(F.array(*nights)).alias("changed")).distinct()
    either = both.select(c.RECORD_KEY, F.explode(F.array_distinct(F.array(*nights))).alias("changed"))
    return either.join(changed, on="changed", how="left_semi").select(c.RECORD_KEY).distinct()


def build_changed_values(identifiers: DataFrame, last_identifiers: DataFrame, types: Sequence[str]) -> DataFrame:
    """Find who has, or had, a value of which the holders changed since the last night.

    Args:
        identifiers: of tonight: record_key, type, value_hash, usable.
        last_identifiers: the same of the last night.
        types: that join people's records or keep them apart.
    Returns: one row per record_key.
    """
    now, before = (
        rows.where(F.col(c.USABLE) & F.col(c.TYPE).isin(*types)).select(c.RECORD_KEY, c.TYPE, c.VALUE_HASH).distinct()
        for rows in (identifiers, last_identifiers)
    )
    either = now.unionByName(before)
    held = either.groupBy(c.RECORD_KEY, c.TYPE, c.VALUE_HASH).agg(F.count(F.lit(1)).alias(_TIMES))
    changed = held.where(F.col(_TIMES) == 1).select(c.TYPE, c.VALUE_HASH).distinct()
    return held.join(changed, on=[c.TYPE, c.VALUE_HASH], how="left_semi").select(c.RECORD_KEY).distinct()


def within(pairs: DataFrame, record_keys: DataFrame) -> DataFrame:
    """Keep the pairs of which both records are among `record_keys`."""
    for side in (c.RECORD_KEY_L, c.RECORD_KEY_R):
        pairs = pairs.join(record_keys.select(F.col(c.RECORD_KEY).alias(side)), on=side, how="left_semi")
    return pairs
