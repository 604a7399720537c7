"""An incremental run of clustering: which components changes can alter; all others keep their clusters and cuts.

1. Matching says whom it compared anew, and both ends of the edges that it found.
2. Whoever has a label is looked at, too: they are few, and a label that was replaced counts like one that is new. So is
   whoever shares a value of an identifier of which the holders changed.
3. These records, and all that were in a component with one of them, are affected. Both ends of a new edge are among
   them, and an edge that is gone was inside one of these components: no edge leads from an affected record to another.

Affected records are always on the driver; where they are too many, the run is full.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.clustering.affected import PREVIOUS_CLUSTER, find_changed_values, find_reclustered
from cdp_spark.clustering.figures import RECORDS_FIGURE
from cdp_spark.clustering.frames import SCORED, Clusters, EvidenceRows
from cdp_spark.clustering.labels import keep_current_labels
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.tables.catalog import CLUSTERS, CUTS, IDENTIFIERS, LABELS, PAIR_SCORES, RECORDS
from cdp_spark.tables.increments.serving import Versions, count_rows_at_most, serve_rows
from cdp_spark.tables.increments.touched import MATCHING, fetch_touched
from cdp_spark.tables.rows import as_table, map_groups, rows_with, rows_without, unite, unite_texts

if TYPE_CHECKING:
    from cdp_spark.clustering.settings import ClusteringRules
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import LastFinish, RunContext
    from cdp_spark.tables.spec import TableSpec

SETTINGS_FIGURE = "clusters.settings"
"""Behind the entity type, the checksum of the settings that its clusters were made with."""
_CLUSTER = [c.RECORD_KEY, c.COMPONENT, c.CLUSTER]
_CUT = [c.RECORD_KEY_L, c.RECORD_KEY_R, c.WEIGHT_LOG2, c.REASON, c.IDENTIFIER_TYPE]
_VALUE = [c.RECORD_KEY, c.TYPE, c.VALUE_HASH]


@dataclass(frozen=True)
class PreviousClusters:
    """What the previous run left of an entity type, and which of it changes can alter.

    Args:
        clusters: record_key, component, cluster.
        cuts: the edges that were not used.
        affected: record_key and previous_cluster of the records that are clustered anew, on the driver; of those that
            are gone, too, and null for a new one.
    """

    clusters: Rows
    cuts: Rows
    affected: pa.Table

    @property
    def keys(self) -> pa.Array:
        """record_key of the affected records."""
        return self.affected[c.RECORD_KEY].combine_chunks()

    def complete(self, context: RunContext, made: Clusters) -> tuple[Clusters, pa.Table]:
        """Add what no change can alter; and say whose cluster has other members now.

        Args:
            context: of the run.
            made: clusters and cuts of the affected records.
        """
        spark, keys = context.store.spark, self.keys
        kept = (rows_without(self.clusters, c.RECORD_KEY, keys), rows_without(self.cuts, c.RECORD_KEY_L, keys))
        whole = [
            unite(spark, [old.select(names), new.select(names)])
            for names, old, new in zip((_CLUSTER, _CUT), kept, (made.clusters, made.cuts), strict=True)
        ]
        now = as_table(made.clusters.select([c.RECORD_KEY, c.CLUSTER]))
        return Clusters(*whole), find_reclustered(now, self.affected)


@dataclass(frozen=True)
class ClusteringPlan:
    """What the clusters of an entity type are made from.

    Args:
        why: in words, for the run's record.
        previous: clusters to build on; None for a full run.
    """

    why: str
    previous: PreviousClusters | None = None


def plan_clustering(context: RunContext, entity_type: str, rules: ClusteringRules) -> ClusteringPlan:
    """Find the records to cluster anew, or why it is all of them.

    Args:
        context: of the run; without an earlier run to build on, this one is full.
        entity_type: whose clusters these are.
        rules: what joins records, and what keeps them apart.
    """
    last, touched = context.last, None
    if last is not None and _builds_on(context, last, entity_type):
        touched = fetch_touched(context, MATCHING, since=last.ordinal, entity_types=(entity_type,))
    if last is None or touched is None:
        return ClusteringPlan("full run (requested)" if context.full else "full run (matching compared all records)")
    known = context.last_figure(RECORDS_FIGURE) or 0.0
    most = min(limits.MAX_CHANGED_SHARE * known, limits.CHANGES_ON_DRIVER)
    labels = context.store.fetch(LABELS, (c.RECORD_KEY_L, c.RECORD_KEY_R))
    changed = _find_changed_values(context, last, entity_type, rules) if rules.types else pa.nulls(0, pa.string())
    touched = unite_texts(touched, *labels.columns, changed)
    if len(touched) > most:
        return ClusteringPlan("full run (too many records changed)")
    serve = partial(serve_rows, context.store, on_driver=known <= limits.CLUSTERS_ON_DRIVER)
    of_type = {c.ENTITY_TYPE: pa.array([entity_type])}
    clusters = serve(CLUSTERS, _CLUSTER, only=of_type, at=Versions(last.written[CLUSTERS.name]))
    cuts = serve(CUTS, _CUT, only=of_type, at=Versions(last.written[CUTS.name]))
    affected = find_affected(touched, clusters)
    told = f"incremental: {affected.num_rows:,} records in affected components"
    return ClusteringPlan(told, PreviousClusters(clusters, cuts, affected))


def _builds_on(context: RunContext, last: LastFinish, entity_type: str) -> bool:
    """True where the clusters of the last finished run are there, made with the settings of this one."""
    settings = settings_checksum(context.project, entity_type)
    if context.full or context.last_figure(f"{entity_type}.{SETTINGS_FIGURE}") != settings:
        return False
    return {CLUSTERS.name, CUTS.name, IDENTIFIERS.name} <= set(last.versions)


def _find_changed_values(
    context: RunContext, last: LastFinish, entity_type: str, rules: ClusteringRules
) -> pa.ChunkedArray:
    """Who shares a value of which the holders changed; with very many values found in Spark's tasks."""
    count = context.store.count(IDENTIFIERS)
    parts = [
        _serve_values(context, entity_type, rules, version=it, on_driver=count <= limits.IDENTIFIERS_ON_DRIVER)
        for it in (None, last.versions[IDENTIFIERS.name])
    ]
    found = map_groups(parts, c.VALUE_HASH, find_changed_values, f"{c.RECORD_KEY} string", row_count=2 * count)
    if isinstance(found, DataFrame):
        found = found.distinct().limit(limits.CHANGES_ON_DRIVER + 1)
    return as_table(found)[c.RECORD_KEY]


def _serve_values(
    context: RunContext,
    entity_type: str,
    rules: ClusteringRules,
    *,
    on_driver: bool,
    version: int | None = None,
    keys: pa.Array | None = None,
) -> Rows:
    """Usable identifiers that join the records of a type or keep them apart; of all records, or of some."""
    only = {} if keys is None else {c.RECORD_KEY: keys}
    only |= {c.ENTITY_TYPE: pa.array([entity_type]), c.TYPE: pa.array(rules.types), c.USABLE: pa.array([True])}
    return serve_rows(context.store, IDENTIFIERS, _VALUE, only=only, on_driver=on_driver, at=Versions(version))


def find_affected(touched: pa.Array, clusters: Rows) -> pa.Table:
    """Widen the touched records to all records of their components of the previous run (an action).

    Args:
        touched: record keys, each once, shape (touched,).
        clusters: of the previous run: record_key, component, cluster.
    Returns: record_key, previous_cluster.
    """
    components = as_table(rows_with(clusters, c.RECORD_KEY, touched).select([c.COMPONENT]))[c.COMPONENT].unique()
    mates = as_table(rows_with(clusters, c.COMPONENT, components).select([c.RECORD_KEY, c.CLUSTER]))
    new = touched.filter(pc.invert(pc.is_in(touched, value_set=mates[c.RECORD_KEY].combine_chunks())))
    known = mates.rename_columns([c.RECORD_KEY, PREVIOUS_CLUSTER])
    return pa.concat_tables([known, pa.table({c.RECORD_KEY: new})], promote_options="permissive")


def serve_evidence(
    context: RunContext, entity_type: str, rules: ClusteringRules, keys: pa.Array | None
) -> EvidenceRows:
    """What decides about the clusters of some records of a type, None for all; where it is little, on the driver."""
    store, of_type = context.store, {c.ENTITY_TYPE: pa.array([entity_type])}

    def fits(spec: TableSpec, most: int) -> bool:
        return count_rows_at_most(store, spec) <= most if keys is None else len(keys) <= limits.RECORDS_CLUSTERED

    of_records = {} if keys is None else {c.RECORD_KEY: keys}
    of_pairs = {} if keys is None else dict.fromkeys((c.RECORD_KEY_L, c.RECORD_KEY_R), keys)
    few_records, few_pairs = fits(RECORDS, limits.RECORDS_CLUSTERED), fits(PAIR_SCORES, limits.PAIRS_CLUSTERED)
    few_values = fits(IDENTIFIERS, limits.IDENTIFIERS_ON_DRIVER)
    return EvidenceRows(
        serve_rows(store, RECORDS, rules.columns, only=of_records | of_type, on_driver=few_records),
        serve_rows(store, PAIR_SCORES, SCORED, only=of_pairs | of_type, on_driver=few_pairs),
        keep_current_labels(store.fetch(LABELS)),
        _serve_values(context, entity_type, rules, on_driver=few_values, keys=keys) if rules.types else None,
    )
