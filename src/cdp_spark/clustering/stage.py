"""The clustering stage: scored pairs in, clusters and cuts out."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.clusters import Clusters
from cdp_spark.clustering.identifiers.links import build_identifier_links, linking_types, with_unique_values
from cdp_spark.clustering.identifiers.placing import place_visitors
from cdp_spark.clustering.increment import (
    RECORDS_FIGURE,
    SETTINGS_FIGURE,
    Evidence,
    Night,
    build_reclustered,
    plan_night,
)
from cdp_spark.clustering.labels import build_current_labels
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
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Collection

PERSON = "person"
VISITOR = "visitor"


def run(context: RunContext) -> StageResult:
    """Cluster the records of every entity type by this run's pair scores and the labels, then place the visitors.

    Where few records changed since the last night, only the components that they touch are clustered anew.
    """
    store, project = context.store, context.project
    labels = build_current_labels(store.read(LABELS))
    found = run_together(
        store.spark, {it: partial(_cluster_entity, context, it, labels) for it in project.match.entities}
    )
    nights = {entity_type: night for entity_type, (night, _) in found.items()}
    results = [(entity_type, clusters) for entity_type, (_, clusters) in found.items()]
    if any(source.events for source in project.sources):
        results.append((VISITOR, _place_visitors(context, results, labels)))
    versions = _write_clusters(context, results, nights)
    metrics = _metrics(store.read(CLUSTERS), store.read(CUTS))
    settings = {f"{kind}.{SETTINGS_FIGURE}": settings_checksum(project, kind) for kind in nights}
    detail = "; ".join(f"{kind}: {night.why}" for kind, night in nights.items())
    return StageResult(versions, {**metrics, **settings}, detail)


def _write_clusters(
    context: RunContext, results: list[tuple[str, Clusters]], nights: dict[str, Night]
) -> dict[str, int]:
    clusters = _united([(entity_type, result.clusters) for entity_type, result in results])
    cuts = _united([(entity_type, result.cuts) for entity_type, result in results])
    reclustered = {entity_type: night.reclustered for entity_type, night in nights.items()}
    writes = {
        CLUSTERS.name: partial(context.store.overwrite, CLUSTERS, clusters),
        CUTS.name: partial(context.store.overwrite, CUTS, cuts.withColumn(c.RUN_ID, F.lit(context.run_id))),
        TOUCHED_RECORDS.name: partial(record_touched, context, CLUSTERING, reclustered),
    }
    return run_together(context.store.spark, writes)


def _cluster_entity(context: RunContext, entity_type: str, labels: DataFrame) -> tuple[Night, Clusters]:
    """Cluster the records of one entity type; those of people by their identifiers, too."""
    evidence = _read_evidence(context, entity_type)
    night = plan_night(context, entity_type, evidence)
    if night.affected_keys is not None:
        evidence = evidence.within(night.affected_keys)
    result, engine = _cluster(context, entity_type, evidence, labels)
    reclustered = build_reclustered(result.clusters, night.affected.rows) if night.affected else None
    return replace(night, why=f"{engine}; {night.why}", reclustered=reclustered), with_kept(result, night)


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


def _cluster(context: RunContext, entity_type: str, evidence: Evidence, labels: DataFrame) -> tuple[Clusters, str]:
    members, config = evidence.members, context.project.match.entities[entity_type].clustering
    if evidence.unique:
        members = with_unique_values(members, evidence.identifiers, evidence.unique)
        config = config.model_copy(update={"unique": (*config.unique, *evidence.unique)})
    links = build_identifier_links(evidence.identifiers, evidence.linking) if evidence.linking else None
    return cluster_records(members, evidence.pairs_in_force, labels, config=config, links=links)


def _place_visitors(context: RunContext, results: list[tuple[str, Clusters]], labels: DataFrame) -> Clusters:
    store = context.store
    people = [result.clusters for entity_type, result in results if entity_type == PERSON]
    nobody = store.spark.createDataFrame([], CLUSTERS.schema).limit(0)
    return place_visitors(
        store.read(IDENTIFIERS),
        store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == VISITOR).select(c.RECORD_KEY),
        people[0] if people else nobody,
        labels,
        project=context.project,
    )


def with_exclusive_source(records: DataFrame, sources: Collection[str]) -> DataFrame:
    """Add `exclusive_source`: the source where it has no duplicates inside, null elsewhere."""
    exclusive = F.col(c.SOURCE).isin(*sources) if sources else F.lit(False)
    return records.withColumn(EXCLUSIVE_SOURCE, F.when(exclusive, F.col(c.SOURCE)))


def _united(parts: list[tuple[str, DataFrame]]) -> DataFrame:
    typed = [frame.withColumn(c.ENTITY_TYPE, F.lit(entity_type)) for entity_type, frame in parts]
    return reduce(DataFrame.unionByName, typed)


def _metrics(clusters: DataFrame, cuts: DataFrame) -> dict[str, float]:
    """Figures of the people and accounts, and how many visitors are with one of them."""
    is_visitor = F.col(c.ENTITY_TYPE) == VISITOR
    records, visitors = F.col(c.RECORD_COUNT), F.col("visitors")
    sizes = clusters.groupBy(c.CLUSTER).agg(
        F.count_if(~is_visitor).alias(c.RECORD_COUNT), F.count_if(is_visitor).alias("visitors")
    )
    figures = {
        "clusters.count": F.count_if(records > 0),
        RECORDS_FIGURE: F.sum(records),
        "clusters.largest": F.max(records),
        "visitors.known": F.sum(F.when(records > 0, visitors)),
        "visitors.anonymous": F.sum(F.when(records == 0, visitors)),
    }
    row = sizes.agg(*[F.coalesce(figure, F.lit(0)).alias(name) for name, figure in figures.items()]).collect()[0]
    return {**{name: float(row[name]) for name in figures}, "clusters.cuts": float(cuts.count())}
