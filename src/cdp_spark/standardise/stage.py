"""The standardise stage: source_records, source_events → records, identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.frames import build_clean_rows
from cdp_spark.standardise.identifiers import build_identifiers
from cdp_spark.standardise.mapping import RawMapping
from cdp_spark.standardise.visitors import (
    VISITOR,
    build_identifier_sets,
    build_visitors,
    event_identifier_types,
    event_sources,
)
from cdp_spark.tables.catalog import IDENTIFIERS, RECORDS, SOURCE_EVENTS, SOURCE_RECORDS, SOURCE_SNAPSHOTS
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.identifiers import IdentifiersConfig
    from cdp_spark.config.match import EntityMatch
    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import RunContext

_VERSION = (c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH)
_KEYS = (c.RECORD_KEY, c.ENTITY_TYPE, c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH, c.OBSERVED_AT, c.INGESTED_AT)
_OF_VISITORS = {c.FIRST_SEEN_AT: "timestamp", c.EVENT_SOURCES: "array<string>"}


def run(context: RunContext) -> StageResult:
    """Write `records` and `identifiers` from the current version of every source record, and from events' visitors."""
    store, match = context.store, context.project.match
    cleaned = _clean_all(context).persist()
    limits = {entity_type: sharing_limits(entity, match.identifiers) for entity_type, entity in match.entities.items()}
    identifiers = build_identifiers(
        cleaned, max_sharing=limits, blocked=match.identifiers.blocked, linking=_guarded_types(context.project)
    )
    try:
        versions = {
            RECORDS.name: store.overwrite(RECORDS, cleaned),
            IDENTIFIERS.name: store.overwrite(IDENTIFIERS, identifiers),
        }
        metrics = read_metrics(cleaned, store.read(IDENTIFIERS))
    finally:
        cleaned.unpersist()
    return StageResult(versions, metrics)


def _guarded_types(project: Project) -> list[str]:
    """The types that join people's records unless these contradict each other, as far as a source has them."""
    rules = project.match.identifiers.rules
    mapped = {kind for it in project.sources if it.kind == "records" for kind in (*it.identifiers, *it.columns)}
    return [kind for kind, rule in rules.items() if rule.links and rule.contradictions == "respect" and kind in mapped]


def _clean_all(context: RunContext) -> DataFrame:
    """Source records and visitors, cleaned, in one frame."""
    store, project, as_of = context.store, context.project, context.today
    delivered = keep_snapshots(
        store.read(SOURCE_RECORDS), store.read(SOURCE_SNAPSHOTS), sources=snapshot_sources(project)
    )
    current = build_current_versions(delivered)
    nothing = {name: F.lit(None).cast(kind) for name, kind in _OF_VISITORS.items()}
    records = build_clean_rows(current.select(*_KEYS, c.ROW), record_mappings(project), as_of=as_of).withColumns(
        nothing
    )
    if not event_sources(project):
        return records
    sets = build_identifier_sets(store.read(SOURCE_EVENTS), event_sources(project))
    region, types = project.settings.default_region, event_identifier_types(project)
    return records.unionByName(build_visitors(sets, types, default_region=region, as_of=as_of))


def sharing_limits(entity: EntityMatch, rules: IdentifiersConfig) -> dict[str, int]:
    """Records of an entity type that may share a value, by identifier type; the entity's own word comes first."""
    return {**rules.max_records, **entity.max_sharing}


def record_mappings(project: Project) -> dict[str, RawMapping]:
    """What the columns of each source of records mean, by source."""
    region = project.settings.default_region
    sources = (source for source in project.sources if source.kind == "records")
    return {source.name: RawMapping.of_source(source, default_region=region) for source in sources}


def snapshot_sources(project: Project) -> tuple[str, ...]:
    """The sources each of whose deliveries is the whole source."""
    return tuple(it.name for it in project.sources if it.kind == "records" and it.delivery == "snapshot")


def keep_snapshots(source_records: DataFrame, snapshots: DataFrame, *, sources: Collection[str]) -> DataFrame:
    """Drop what the newest full delivery of its source lacks: records that are gone, and other versions of the rest.

    Args:
        source_records: any number of versions per record_key.
        snapshots: the table `source_snapshots`.
        sources: those whose deliveries are snapshots; one of which no snapshot is recorded keeps all that it has.
    Returns: rows of source_records.
    """
    if not sources:
        return source_records
    held = snapshots.where(F.col(c.SOURCE).isin(*sources))
    replaced = F.broadcast(held.select(c.SOURCE).distinct().withColumn("is_replaced", F.lit(True)))
    versions = held.select(*_VERSION).withColumn("is_held", F.lit(True))
    judged = source_records.join(replaced, on=c.SOURCE, how="left").join(versions, on=list(_VERSION), how="left")
    is_current = F.col("is_replaced").isNull() | F.col("is_held").isNotNull()
    return judged.where(is_current).select(*source_records.columns)


def build_current_versions(source_records: DataFrame) -> DataFrame:
    """Keep the newest version of each record: by observed time, then load time, then content hash.

    Args:
        source_records: any number of versions per record_key.
    Returns: one row per record_key.
    """
    newest = [F.col(c.OBSERVED_AT).desc_nulls_last(), F.col(c.INGESTED_AT).desc(), F.col(c.CONTENT_HASH).desc()]
    rank = F.row_number().over(Window.partitionBy(c.RECORD_KEY).orderBy(*newest))
    return source_records.withColumn("rank", rank).where(F.col("rank") == 1).drop("rank")


def _metric_expr(*parts: Column | str) -> Column:
    return F.concat_ws(".", *parts).alias(c.METRIC)


def read_metrics(records: DataFrame, identifiers: DataFrame) -> dict[str, float]:
    """Count records and invalid values per source, identifiers per type, and the unusable ones by reason.

    Returns: such as `crm.records`, `crm.phone.too_short`, `identifiers.email`, `identifiers.email.shared`, and
        `visitors.identifiers.cookie_id` for those of visitors.
    """
    issues = F.transform(c.VALUE_ISSUES, lambda issue: F.replace(issue, F.lit(":"), F.lit(".")))
    facts = F.concat(F.array(F.lit("records")), issues)
    of_records = records.select(c.SOURCE, F.explode(facts).alias(c.FACT)).select(_metric_expr(c.SOURCE, c.FACT))
    prefix = F.when(F.col(c.ENTITY_TYPE) == VISITOR, "visitors.identifiers").otherwise("identifiers")
    of_identifiers = identifiers.select(_metric_expr(prefix, c.TYPE, c.REASON))
    counts = of_records.unionAll(of_identifiers).groupBy(c.METRIC).count()
    return {metric: float(count) for metric, count in sorted(tuple(row) for row in counts.collect())}
