"""The clustering stage: scored pairs in, clusters and cuts out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.clusters import Clusters
from cdp_spark.clustering.figures import cluster_figures
from cdp_spark.clustering.identifiers.links import build_identifier_links, linking_types, with_unique_values
from cdp_spark.clustering.identifiers.placing import place_visitors
from cdp_spark.clustering.increment import (
    SETTINGS_FIGURE,
    Evidence,
    Night,
    build_reclustered,
    plan_night,
)
from cdp_spark.clustering.kinds import PERSON, VISITOR
from cdp_spark.clustering.labels import build_current_labels
from cdp_spark.clustering.on_driver.night import cluster_on_driver
from cdp_spark.clustering.outcome import Outcome
from cdp_spark.clustering.records import EXCLUSIVE_SOURCE, cluster_records
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    CLUSTERS,
    CUTS,
    IDENTIFIERS,
    LABELS,
    OUTDATED_RECORDS,
    PAIR_SCORES,
    RECORDS,
    TOUCHED_RECORDS,
)
from cdp_spark.tables.increments.touched import CLUSTERING, record_touched
from cdp_spark.tables.rows import as_frame, count_rows, unite, with_values
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.tables.rows import Rows


def run(context: RunContext) -> StageResult:
    """Cluster the records of every entity type by this run's pair scores and the labels, then place the visitors.

    Where few records changed since the last night, only the components that they touch are clustered anew.
    """
    store, project = context.store, context.project
    found = run_together(store.spark, {it: partial(_cluster_entity, context, it) for it in project.match.entities})
    results = {**found}
    if any(source.events for source in project.sources):
        results[VISITOR] = _place_visitors(context, found.get(PERSON))
    clusters, cuts = _united(context, results)
    touched = {entity_type: outcome.reclustered for entity_type, outcome in found.items()}
    writes = {
        CLUSTERS.name: partial(store.overwrite, CLUSTERS, clusters),
        CUTS.name: partial(store.overwrite, CUTS, cuts),
        TOUCHED_RECORDS.name: partial(record_touched, context, CLUSTERING, touched),
    }
    versions = run_together(store.spark, writes)
    figures = cluster_figures(clusters if isinstance(clusters, pa.Table) else store.read(CLUSTERS))
    cut_count = count_rows(cuts if isinstance(cuts, pa.Table) else store.read(CUTS))
    settings = {f"{kind}.{SETTINGS_FIGURE}": settings_checksum(project, kind) for kind in found}
    detail = "; ".join(f"{kind}: {outcome.why}" for kind, outcome in found.items())
    return StageResult(versions, {**figures, "clusters.cuts": float(cut_count), **settings}, detail)


def _united(context: RunContext, results: Mapping[str, Outcome]) -> tuple[Rows, Rows]:
    """The rows of `clusters` and `cuts`."""
    spark, clusters, cuts = context.store.spark, [], []
    for entity_type, outcome in results.items():
        clusters.append(with_values(outcome.clusters, {c.ENTITY_TYPE: entity_type}))
        cuts.append(with_values(outcome.cuts, {c.ENTITY_TYPE: entity_type, c.RUN_ID: context.run_id}))
    return unite(spark, clusters), unite(spark, cuts)


def _cluster_entity(context: RunContext, entity_type: str) -> Outcome:
    """Cluster the records of one entity type, those of people by their identifiers, too."""
    return cluster_on_driver(context, entity_type) or _cluster_in_spark(context, entity_type)


def _cluster_in_spark(context: RunContext, entity_type: str) -> Outcome:
    evidence = _read_evidence(context, entity_type)
    night = plan_night(context, entity_type, evidence)
    if night.affected_keys is not None:
        evidence = evidence.within(night.affected_keys)
    made, engine = _cluster(context, entity_type, evidence)
    reclustered = build_reclustered(made.clusters, night.affected.rows) if night.affected else None
    result = with_kept(made, night)
    return Outcome(f"{engine}; {night.why}", result.clusters, result.cuts, reclustered)


def with_kept(result: Clusters, night: Night) -> Clusters:
    """Add the clusters and cuts of the last night that no change can alter."""
    affected = night.affected_keys
    if affected is None or night.last_clusters is None or night.last_cuts is None:
        return result
    clusters = night.last_clusters.join(affected, on=c.RECORD_KEY, how="left_anti")
    left = affected.withColumnRenamed(c.RECORD_KEY, c.RECORD_KEY_L)
    cuts = night.last_cuts.join(left, on=c.RECORD_KEY_L, how="left_anti")
    return Clusters(
        clusters.select(*result.clusters.columns).unionByName(result.clusters),
        cuts.select(*result.cuts.columns).unionByName(result.cuts),
    )


def _read_evidence(context: RunContext, entity_type: str) -> Evidence:
    store, project, of_type = context.store, context.project, F.col(c.ENTITY_TYPE) == entity_type
    exclusive = [source.name for source in project.sources if source.duplicate_free]
    linking, unique = linking_types(project) if entity_type == PERSON else ((), ())
    guards = project.match.entities[entity_type].clustering.unique
    members = with_exclusive_source(store.read(RECORDS).where(of_type), exclusive)
    return Evidence(
        members=members.select(c.RECORD_KEY, EXCLUSIVE_SOURCE, *guards),
        pairs=store.read_all(PAIR_SCORES).where(of_type),
        outdated=store.read(OUTDATED_RECORDS),
        identifiers=store.read(IDENTIFIERS).where(of_type),
        linking=linking,
        unique=unique,
    )


def _cluster(context: RunContext, entity_type: str, evidence: Evidence) -> tuple[Clusters, str]:
    members, config = evidence.members, context.project.match.entities[entity_type].clustering
    if evidence.unique:
        members = with_unique_values(members, evidence.identifiers, evidence.unique)
        config = config.model_copy(update={"unique": (*config.unique, *evidence.unique)})
    links = build_identifier_links(evidence.identifiers, evidence.linking) if evidence.linking else None
    return cluster_records(members, evidence.pairs_in_force, _labels(context), config=config, links=links)


def _place_visitors(context: RunContext, people: Outcome | None) -> Outcome:
    store = context.store
    placed = place_visitors(
        store.read(IDENTIFIERS),
        store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == VISITOR).select(c.RECORD_KEY),
        as_frame(store.spark, people.clusters if people else CLUSTERS.table([])),
        _labels(context),
        project=context.project,
    )
    return Outcome("", placed.clusters, placed.cuts)


def _labels(context: RunContext) -> DataFrame:
    return build_current_labels(context.store.read(LABELS))


def with_exclusive_source(records: DataFrame, sources: Collection[str]) -> DataFrame:
    """Add `exclusive_source`: the source where it has no duplicates inside, null elsewhere."""
    exclusive = F.col(c.SOURCE).isin(*sources) if sources else F.lit(False)
    return records.withColumn(EXCLUSIVE_SOURCE, F.when(exclusive, F.col(c.SOURCE)))
