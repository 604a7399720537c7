"""The clustering stage: scored pairs in, clusters and cuts out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.clustering.figures import COUNTS_TYPE, cluster_figures, count_clusters
from cdp_spark.clustering.frames import Clusters, cluster_records, read_current_labels
from cdp_spark.clustering.frames_affected import SETTINGS_FIGURE, plan_clustering, serve_evidence
from cdp_spark.clustering.identifiers.placing import place_visitors
from cdp_spark.clustering.kinds import PERSON, VISITOR
from cdp_spark.clustering.settings import clustering_rules, settings_checksum
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import CLUSTERS, CUTS, IDENTIFIERS, RECORDS, TOUCHED_RECORDS
from cdp_spark.tables.increments.serving import serve_rows
from cdp_spark.tables.increments.touched import CLUSTERING, record_touched
from cdp_spark.tables.rows import as_frame, as_table, map_groups, unite, with_values
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store


@dataclass(frozen=True)
class ClusteringResult:
    """This run's clusters of an entity type.

    Args:
        why: in words, for the run's record: by which engine, and what they were made from.
        made: of all records of the type.
        reclustered: record_key of those whose cluster has other members than in the previous run; None for all.
    """

    why: str
    made: Clusters
    reclustered: pa.Table | None = None


def run(context: RunContext) -> StageResult:
    """Cluster the records of every entity type by this run's pair scores and the labels, then place the visitors.

    Where few records changed since the previous run, only the components that they touch are clustered anew.
    """
    store, project = context.store, context.project
    found = run_together(store.spark, {it: partial(_cluster_entity, context, it) for it in project.match.entities})
    results = {entity_type: result.made for entity_type, result in found.items()}
    if any(source.events for source in project.sources):
        results[VISITOR] = _place_visitors(context, results.get(PERSON))
    clusters, cuts = _united(context, results)
    touched = {entity_type: result.reclustered for entity_type, result in found.items()}
    writes = {
        CLUSTERS.name: partial(store.overwrite, CLUSTERS, clusters),
        CUTS.name: partial(store.overwrite, CUTS, cuts),
        TOUCHED_RECORDS.name: partial(record_touched, context, CLUSTERING, touched),
    }
    versions = run_together(store.spark, writes)
    settings = {f"{kind}.{SETTINGS_FIGURE}": settings_checksum(project, kind) for kind in found}
    figures = {**_count(store), "clusters.cuts": float(store.count(CUTS)), **settings}
    return StageResult(versions, figures, "; ".join(f"{kind}: {result.why}" for kind, result in found.items()))


def _cluster_entity(context: RunContext, entity_type: str) -> ClusteringResult:
    """Cluster the records of one entity type that changes can alter, or all of them."""
    rules = clustering_rules(context.project, entity_type)
    plan = plan_clustering(context, entity_type, rules)
    evidence = serve_evidence(context, entity_type, rules, plan.previous.keys if plan.previous else None)
    made, engine = cluster_records(context.store.spark, evidence, rules)
    why = f"{engine}; {plan.why}"
    if plan.previous is None:
        return ClusteringResult(why, made)
    return ClusteringResult(why, *plan.previous.complete(context, made))


def _place_visitors(context: RunContext, people: Clusters | None) -> Clusters:
    store = context.store
    clusters = as_frame(store.spark, people.clusters if people else CLUSTERS.table([]))
    visitors = store.read_of_type(RECORDS, VISITOR).select(c.RECORD_KEY)
    labels = read_current_labels(store)
    return place_visitors(store.read(IDENTIFIERS), visitors, clusters, labels, project=context.project)


def _united(context: RunContext, results: Mapping[str, Clusters]) -> tuple[Rows, Rows]:
    """The rows of `clusters` and `cuts`."""
    spark, clusters, cuts = context.store.spark, [CLUSTERS.table([])], [CUTS.table([])]
    for entity_type, made in results.items():
        of_type: dict[str, int | str] = {c.ENTITY_TYPE: entity_type}
        clusters.append(with_values(made.clusters, of_type))
        cuts.append(with_values(made.cuts, of_type | {c.RUN_ID: context.run_id}))
    return unite(spark, clusters), unite(spark, cuts)


def _count(store: Store) -> dict[str, float]:
    """Figures of the clusters that were written."""
    count = store.count(CLUSTERS)
    on_driver = count <= limits.CLUSTERS_ON_DRIVER
    clusters = serve_rows(store, CLUSTERS, (c.ENTITY_TYPE, c.CLUSTER), only={}, on_driver=on_driver)
    counts = map_groups([clusters], c.CLUSTER, count_clusters, COUNTS_TYPE, row_count=count)
    return cluster_figures(as_table(counts))
