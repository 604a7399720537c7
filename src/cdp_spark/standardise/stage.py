"""The standardise stage: source_records, source_events → records, identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.attributes import CARRIED, RAW, with_clean_values
from cdp_spark.standardise.identifiers import build_identifiers
from cdp_spark.standardise.mapping import RawMapping, RawShape, raw_values_expr
from cdp_spark.standardise.visitors import (
    VISITOR,
    build_identifier_sets,
    build_visitors,
    event_identifier_types,
    event_sources,
)
from cdp_spark.tables.catalog import IDENTIFIERS, RECORDS, SOURCE_EVENTS, SOURCE_RECORDS
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.identifiers import IdentifiersConfig
    from cdp_spark.config.match import EntityMatch
    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import RunContext

_KEYS = (c.RECORD_KEY, c.ENTITY_TYPE, c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH, c.OBSERVED_AT, c.INGESTED_AT)
_OF_VISITORS = {c.FIRST_SEEN_AT: "timestamp", c.EVENT_SOURCES: "array<string>"}


def run(context: RunContext) -> StageResult:
    """Write `records` and `identifiers` from the current version of every source record, and from events' visitors."""
    store, match = context.store, context.project.match
    cleaned = _clean_all(context).persist()
    limits = {entity_type: sharing_limits(entity, match.identifiers) for entity_type, entity in match.entities.items()}
    identifiers = build_identifiers(cleaned, max_sharing=limits, blocked=match.identifiers.blocked)
    try:
        versions = {
            RECORDS.name: store.overwrite(RECORDS, cleaned),
            IDENTIFIERS.name: store.overwrite(IDENTIFIERS, identifiers),
        }
    finally:
        cleaned.unpersist()
    return StageResult(versions, read_metrics(store.read(RECORDS), store.read(IDENTIFIERS)))


def _clean_all(context: RunContext) -> DataFrame:
    """Source records and visitors, cleaned, in one frame."""
    store, project, as_of = context.store, context.project, context.as_of.date()
    current = build_current_versions(store.read(SOURCE_RECORDS))
    nothing = {name: F.lit(None).cast(kind) for name, kind in _OF_VISITORS.items()}
    records = build_clean_records(current, record_mappings(project), as_of=as_of).withColumns(nothing)
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


def build_current_versions(source_records: DataFrame) -> DataFrame:
    """Keep the newest version of each record: by observed time, then load time, then content hash.

    Args:
        source_records: any number of versions per record_key.
    Returns: one row per record_key.
    """
    newest = [F.col(c.OBSERVED_AT).desc_nulls_last(), F.col(c.INGESTED_AT).desc(), F.col(c.CONTENT_HASH).desc()]
    rank = F.row_number().over(Window.partitionBy(c.RECORD_KEY).orderBy(*newest))
    return source_records.withColumn("rank", rank).where(F.col("rank") == 1).drop("rank")


def build_clean_records(current: DataFrame, mappings: Mapping[str, RawMapping], *, as_of: date) -> DataFrame:
    """Clean the rows of the configured sources, all in one pass; rows of other sources are left out.

    Args:
        current: one row per record_key, `row` as received.
        mappings: by source.
        as_of: today.
    Returns: one row per record_key: keys, every attribute of `records`, and `identifiers`.
    """
    shape = RawShape.of(mappings.values())
    known = current.where(F.col(c.SOURCE).isin(*mappings))
    raw = _raw_values_by_source(mappings, shape)
    rows = known.select(F.struct(*_KEYS).alias(CARRIED), raw.alias(RAW))
    return with_clean_values(rows, shape, as_of=as_of)


def _raw_values_by_source(mappings: Mapping[str, RawMapping], shape: RawShape) -> Column:
    def raw_values(mapping: RawMapping) -> Column:
        return raw_values_expr(mapping, shape, lambda name: F.col(c.ROW)[name])

    chosen = raw_values(RawMapping({}))
    for source, mapping in sorted(mappings.items()):
        chosen = F.when(F.col(c.SOURCE) == source, raw_values(mapping)).otherwise(chosen)
    return chosen


def read_metrics(records: DataFrame, identifiers: DataFrame) -> dict[str, float]:
    """Count records and invalid values per source, identifiers per type, and the unusable ones by reason.

    Returns: such as `crm.records`, `crm.phone.too_short`, `identifiers.email`, `identifiers.email.shared`, and
        `visitors.identifiers.cookie_id` for those of visitors.
    """
    sources = records.groupBy(F.concat_ws(".", c.SOURCE, F.lit("records")))
    invalid = records.select(c.SOURCE, F.explode(c.VALUE_ISSUES).alias(c.REASON))
    issues = invalid.groupBy(F.concat_ws(".", c.SOURCE, F.replace(F.col(c.REASON), F.lit(":"), F.lit("."))))
    prefix = F.when(F.col(c.ENTITY_TYPE) == VISITOR, "visitors.identifiers").otherwise("identifiers")
    kinds = identifiers.groupBy(F.concat_ws(".", prefix, c.TYPE, c.REASON))
    figures = sources.count().union(issues.count()).union(kinds.count())
    return {metric: float(count) for metric, count in sorted(tuple(row) for row in figures.collect())}
