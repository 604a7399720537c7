"""The standardise stage: source_records, source_events → records, identifiers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.limits import OUTDATED_IN_PROCESS_VERSIONS
from cdp_spark.standardise.frames import build_clean_rows, build_outdated_versions
from cdp_spark.standardise.identifiers import build_found, build_identifiers, find_unusable_values
from cdp_spark.standardise.mapping import RawMapping
from cdp_spark.standardise.versions import DATED_VERSION, VERSION, find_outdated_versions
from cdp_spark.standardise.visitors import (
    VISITOR,
    build_identifier_sets,
    build_visitors,
    event_sources,
    visitors_mapping,
)
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import IDENTIFIERS, RECORDS, SOURCE_EVENTS, SOURCE_RECORDS, SOURCE_SNAPSHOTS
from cdp_spark.tables.checkpoint import CountedFrame, cached_frame, checkpoint_and_count
from cdp_spark.tables.rows import as_frame
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.store import Store

_METRICS = "metrics"
_KEYS = (c.RECORD_KEY, c.ENTITY_TYPE, c.SOURCE, c.SOURCE_RECORD_ID, c.CONTENT_HASH, c.OBSERVED_AT, c.INGESTED_AT)
_OF_VISITORS = {c.FIRST_SEEN_AT: "timestamp", c.EVENT_SOURCES: "array<string>"}


def run(context: RunContext) -> StageResult:
    """Write `records` and `identifiers` from the current version of every source record, and from events' visitors.

    Everything is cleaned once, when values are counted; what follows reads the kept frame, side by side.
    """
    store = context.store
    with cached_frame(_clean_all(context)) as cleaned:
        identifiers = _judge_identifiers(context.project, cleaned)
        done: dict[str, Any] = run_together(
            store.spark,
            {
                RECORDS.name: partial(store.overwrite, RECORDS, cleaned),
                IDENTIFIERS.name: partial(store.overwrite, IDENTIFIERS, identifiers),
                _METRICS: partial(read_metrics, cleaned, identifiers),
            },
        )
    metrics = done.pop(_METRICS)
    return StageResult(done, metrics)


def _judge_identifiers(project: Project, cleaned: DataFrame) -> DataFrame:
    rules = project.identifiers
    limits = {kind: {**rules.max_records, **entity.max_sharing} for kind, entity in project.match.entities.items()}
    found = build_found(cleaned, blocked=rules.blocked)
    unusable = find_unusable_values(found, cleaned, max_sharing=limits, linking=_guarded_types(project))
    return build_identifiers(found, unusable.joinable)


def _guarded_types(project: Project) -> list[str]:
    """The types that join people's records unless these contradict each other, as far as a source has them."""
    rules = project.identifiers.rules
    mapped = {kind for it in project.sources if it.kind == "records" for kind in (*it.identifiers, *it.columns)}
    return [kind for kind, rule in rules.items() if rule.links and rule.contradictions == "respect" and kind in mapped]


def _clean_all(context: RunContext) -> DataFrame:
    """Source records and visitors, cleaned, in one frame."""
    store, project, as_of = context.store, context.project, context.today
    outdated = find_outdated(store, sources=snapshot_sources(project))
    current = store.read(SOURCE_RECORDS).join(outdated.joinable, on=list(VERSION), how="left_anti")
    nothing = {name: F.lit(None).cast(kind) for name, kind in _OF_VISITORS.items()}
    records = build_clean_rows(current.select(*_KEYS, c.ROW), record_mappings(project), as_of=as_of).withColumns(
        nothing
    )
    if not event_sources(project):
        return records
    sets = build_identifier_sets(store.read(SOURCE_EVENTS), event_sources(project))
    mapping = visitors_mapping(project)
    return records.unionByName(build_visitors(sets, mapping, as_of=as_of))


def find_outdated(store: Store, *, sources: Collection[str]) -> CountedFrame:
    """Find the versions that are not current, on the driver where they are few enough."""
    table = store.open_local(SOURCE_RECORDS)
    replaced = sorted({*sources} & set(store.fetch(SOURCE_SNAPSHOTS, [c.SOURCE])[c.SOURCE].unique().to_pylist()))
    if table is None or table.count() > OUTDATED_IN_PROCESS_VERSIONS:
        delivered, snapshots = store.read(SOURCE_RECORDS), store.read(SOURCE_SNAPSHOTS)
        return checkpoint_and_count(build_outdated_versions(delivered, snapshots, replaced=replaced))
    held = store.fetch(SOURCE_SNAPSHOTS, VERSION, only={c.SOURCE: pa.array(replaced, pa.string())})
    outdated = find_outdated_versions(table.read(DATED_VERSION), held, replaced=replaced)
    return CountedFrame(as_frame(store.spark, outdated), outdated.num_rows)


def record_mappings(project: Project) -> dict[str, RawMapping]:
    """What the columns of each source of records mean, by source."""
    region, forms = project.settings.default_region, project.identifiers.forms
    sources = (source for source in project.sources if source.kind == "records")
    return {source.name: RawMapping.of_source(source, default_region=region, forms=forms) for source in sources}


def snapshot_sources(project: Project) -> tuple[str, ...]:
    """The sources each of whose deliveries is the whole source."""
    return tuple(it.name for it in project.sources if it.kind == "records" and it.delivery == "snapshot")


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
