"""Writing a judged delivery to the bronze tables, once.

Staged rows in Arrow memory are compared with the rows that the tables hold of the same keys, and appended from here; a
frame is joined to the tables and appended by Spark. A table to which nothing is new is left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.checks import LastDelivery, identity_of, reading_of
from cdp_spark.ingest.frames import build_changed, build_newest, build_without_known
from cdp_spark.ingest.staging.bronze import (
    CONSENTS as NEW_CONSENTS,
)
from cdp_spark.ingest.staging.bronze import (
    EVENTS,
    ORDER_LINES,
    RECORDS,
    REJECTIONS,
    SNAPSHOT,
    changed_rows,
    newest_rows,
    without_known,
)
from cdp_spark.ingest.write_reference import REFERENCE, write_reference
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    CONSENTS,
    REJECTED_ROWS,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_ORDER_LINES,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
)
from cdp_spark.tables.rows import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.checks import Verdict
    from cdp_spark.ingest.staging.bronze import NewRows
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_STAGE, _CHANGED = "ingest", "changed_events"
_RULES = {
    SOURCE_RECORDS.name: RECORDS,
    SOURCE_EVENTS.name: EVENTS,
    SOURCE_ORDER_LINES.name: ORDER_LINES,
    CONSENTS.name: NEW_CONSENTS,
}
_TABLES = (SOURCE_RECORDS, SOURCE_EVENTS, SOURCE_ORDER_LINES, CONSENTS)


@dataclass(frozen=True)
class Written:
    """What became of staged rows.

    Args:
        versions: table name to its Delta version.
        changed: source to its events that the warehouse holds with another content, which stays.
        replaced: source to its products or rates that are new, or replace others.
    """

    versions: Mapping[str, int]
    changed: Mapping[str, int] = field(default_factory=dict)
    replaced: Mapping[str, int] = field(default_factory=dict)


def write_bronze(
    context: RunContext,
    staged: Rows,
    verdicts: Mapping[str, Verdict],
    last: Mapping[str, LastDelivery],
) -> Written:
    """Append what is new; a run that was killed here and started again ends with the same tables.

    Each table takes one append over all sources, named for the run: what was committed before the kill is skipped, what
    was not is written.

    Args:
        context: the run.
        staged: staged rows of all sources.
        verdicts: source to its judged delivery.
        last: source to its last delivery.
    """
    writes: dict[str, Callable[[], Any]] = {
        spec.name: partial(_write_new, context, spec, _RULES[spec.name], staged)
        for spec in _TABLES
        if _is_delivered(context, _RULES[spec.name], verdicts)
    }
    replaced: dict[str, int] = {}
    for spec, reference in REFERENCE.items():
        if _is_delivered(context, reference.rule, verdicts):
            writes[spec] = partial(write_reference, context, reference, staged, replaced)
    if any(verdict.tally.rows_rejected for verdict in verdicts.values()):
        writes[REJECTED_ROWS.name] = partial(_write_new, context, REJECTED_ROWS, REJECTIONS, staged)
    snapshots = _snapshots_delivered(context, verdicts)
    if snapshots:
        writes[SOURCE_SNAPSHOTS.name] = partial(_write_snapshots, context, staged, snapshots)
    changed = _changed_deliveries(context, verdicts, last)
    if changed:
        rows = SOURCE_DELIVERIES.table(changed)
        writes[SOURCE_DELIVERIES.name] = partial(_append, context, SOURCE_DELIVERIES, rows)
    if SOURCE_EVENTS.name in writes and context.store.exists(SOURCE_EVENTS):
        writes[_CHANGED] = partial(_count_changed_events, context, staged)
    done = run_together(context.store.spark, writes)
    return Written(versions=done, changed=done.pop(_CHANGED, {}), replaced=replaced)


def _is_delivered(context: RunContext, rule: NewRows, verdicts: Mapping[str, Verdict]) -> bool:
    sources = [source.name for source in context.project.sources if source.kind == rule.kind]
    return any(verdicts[name].tally.accepted for name in sources)


def count_new_rows(context: RunContext, versions: Mapping[str, int]) -> dict[str, int]:
    """Count the rows of this run in the bronze tables it wrote, by source."""
    counts: dict[str, int] = {}
    for spec in _TABLES:
        if spec.name in versions:
            sources = context.store.fetch(spec, (c.SOURCE,), only={c.RUN_ID: texts([context.run_id])})[c.SOURCE]
            for row in sources.value_counts().to_pylist():
                counts[row["values"]] = counts.get(row["values"], 0) + row["counts"]
    return counts


def _write_new(context: RunContext, spec: TableSpec, rule: NewRows, staged: Rows) -> int:
    store, at_column = context.store, c.REJECTED_AT if spec is REJECTED_ROWS else c.INGESTED_AT
    if not isinstance(staged, pa.Table):
        new = build_without_known(build_newest(staged, rule), store.read(spec), rule)
        return _append(
            context, spec, new.withColumns({c.RUN_ID: F.lit(context.run_id), at_column: F.lit(context.as_of)})
        )
    newest = newest_rows(staged, rule)
    known = store.fetch(spec, rule.known_keys, only={rule.known_by: newest[rule.known_by].unique()})
    rows = without_known(newest, known, rule)
    if not rows.num_rows and store.exists(spec):
        return store.version(spec)
    at = pa.scalar(context.as_of, pa.timestamp("us", "UTC"))
    named = rows.append_column(c.RUN_ID, pa.repeat(pa.scalar(context.run_id), rows.num_rows))
    return _append(context, spec, named.append_column(at_column, pa.repeat(at, rows.num_rows)))


def _count_changed_events(context: RunContext, staged: Rows) -> dict[str, int]:
    """Count the events that came with another content than they are stored with, by source."""
    store, columns = context.store, (*EVENTS.known_keys, c.CONTENT_HASH)
    if not isinstance(staged, pa.Table):
        changed = build_changed(build_newest(staged, EVENTS), store.read(SOURCE_EVENTS), EVENTS)
        return {row[c.SOURCE]: row["count"] for row in changed.groupBy(c.SOURCE).count().collect()}
    newest = newest_rows(staged, EVENTS)
    known = store.fetch(SOURCE_EVENTS, columns, only={EVENTS.known_by: newest[EVENTS.known_by].unique()})
    counts = changed_rows(newest, known, EVENTS)[c.SOURCE].value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in counts}


def _append(context: RunContext, spec: TableSpec, rows: Rows) -> int:
    return context.store.append(spec, rows, application=context.application(_STAGE, spec))


def _snapshots_delivered(context: RunContext, verdicts: Mapping[str, Verdict]) -> dict[str, bool]:
    """The snapshot sources, and which of them delivered; none where none did."""
    snapshots = [
        source.name for source in context.project.sources if source.kind == "records" and source.delivery == "snapshot"
    ]
    delivered = {name: verdicts[name].tally.rows > 0 for name in snapshots}
    return delivered if any(delivered.values()) else {}


def _write_snapshots(context: RunContext, staged: Rows, snapshots: Mapping[str, bool]) -> int:
    """Replace the records that the newest delivery of each snapshot source holds; one without a delivery keeps its."""
    store, columns = context.store, SOURCE_SNAPSHOTS.schema.names
    delivered = texts(name for name, was_delivered in snapshots.items() if was_delivered)
    kept = texts(name for name, was_delivered in snapshots.items() if not was_delivered)
    if not isinstance(staged, pa.Table):
        current = build_newest(staged.where(F.col(c.SOURCE).isin(delivered.to_pylist())), SNAPSHOT)
        held_rows = store.read(SOURCE_SNAPSHOTS).where(F.col(c.SOURCE).isin(kept.to_pylist()))
        return store.overwrite(SOURCE_SNAPSHOTS, current.select(*columns).unionAll(held_rows.select(*columns)))
    held = store.fetch(SOURCE_SNAPSHOTS)
    current = newest_rows(staged.filter(pc.is_in(staged[c.SOURCE], value_set=delivered)), SNAPSHOT).select(columns)
    kept_rows = held.filter(pc.is_in(held[c.SOURCE], value_set=kept))
    rows = pa.concat_tables([current, kept_rows.cast(current.schema)])
    if store.exists(SOURCE_SNAPSHOTS) and _is_same(rows, held, columns):
        return store.version(SOURCE_SNAPSHOTS)
    return store.overwrite(SOURCE_SNAPSHOTS, rows)


def _is_same(rows: pa.Table, held: pa.Table, columns: Sequence[str]) -> bool:
    if rows.num_rows != held.num_rows:
        return False
    order = [(name, "ascending") for name in columns]
    return bool(rows.sort_by(order).equals(held.cast(rows.schema).sort_by(order)))


def _changed_deliveries(
    context: RunContext, verdicts: Mapping[str, Verdict], last: Mapping[str, LastDelivery]
) -> list[tuple[object, ...]]:
    facts = {source.name: _facts(source, verdicts[source.name]) for source in context.project.sources}
    return [
        (name, context.run_id, context.as_of, *told)
        for name, told in facts.items()
        if verdicts[name].tally.rows and (name not in last or LastDelivery(*told) != last[name])
    ]


def _facts(source: SourceConfig, verdict: Verdict) -> tuple[int, int, dict[str, str], str, str]:
    """The fields of `LastDelivery`."""
    tally = verdict.tally
    return tally.rows, tally.rows_rejected, dict(verdict.columns), identity_of(source), reading_of(source)
