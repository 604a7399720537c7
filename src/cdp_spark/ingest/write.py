"""Writing a judged delivery to the bronze tables, once."""

from __future__ import annotations

from functools import partial, reduce
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.staging.bronze import (
    build_new_consents,
    build_new_events,
    build_new_records,
    build_new_rejections,
    build_snapshots,
    with_run,
)
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    CONSENTS,
    REJECTED_ROWS,
    SOURCE_DELIVERIES,
    SOURCE_EVENTS,
    SOURCE_RECORDS,
    SOURCE_SNAPSHOTS,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.ingest.checks import LastDelivery, Verdict
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec

_STAGE = "ingest"
_BUILDERS = {
    "records": (SOURCE_RECORDS, build_new_records),
    "events": (SOURCE_EVENTS, build_new_events),
    "consents": (CONSENTS, build_new_consents),
}


def write_bronze(
    context: RunContext,
    staged: DataFrame,
    verdicts: Mapping[str, Verdict],
    last: Mapping[str, LastDelivery],
) -> dict[str, int]:
    """Append what is new; a run that was killed here and started again ends with the same tables.

    Each table takes one append over all sources, named for the run: what was committed before the kill is skipped, what
    was not is written.

    Args:
        context: the run.
        staged: staged rows of all sources.
        verdicts: source to its judged delivery.
        last: source to its last delivery.

    Returns:
        Table name to its new Delta version.
    """
    writes = {
        spec.name: partial(_write_new, context, spec, staged)
        for kind, (spec, _) in _BUILDERS.items()
        if any(source.kind == kind and verdicts[source.name].tally.accepted for source in context.project.sources)
    }
    if any(verdict.tally.rows_rejected for verdict in verdicts.values()):
        writes[REJECTED_ROWS.name] = partial(_write_rejections, context, staged)
    snapshots = _snapshots_delivered(context, verdicts)
    if snapshots:
        writes[SOURCE_SNAPSHOTS.name] = partial(_write_snapshots, context, staged, snapshots)
    changed = _changed_deliveries(context, verdicts, last)
    if changed:
        writes[SOURCE_DELIVERIES.name] = partial(_write_deliveries, context, changed)
    return run_together(context.store.spark, writes)


def count_new_rows(context: RunContext, versions: Mapping[str, int]) -> dict[str, int]:
    """Rows of this run in the bronze tables it wrote, by source."""
    written = [spec for spec, _ in _BUILDERS.values() if spec.name in versions]
    if not written:
        return {}
    rows = [context.store.read(spec).where(F.col(c.RUN_ID) == context.run_id).select(c.SOURCE) for spec in written]
    counts = reduce(lambda left, right: left.unionAll(right), rows).groupBy(c.SOURCE).count()
    return {row[c.SOURCE]: row["count"] for row in counts.collect()}


def _write_new(context: RunContext, spec: TableSpec, staged: DataFrame) -> int:
    build_new = next(build for of_kind, build in _BUILDERS.values() if of_kind is spec)
    new = build_new(staged, context.store.read(spec))
    return _append(context, spec, with_run(new, run_id=context.run_id, at=context.as_of))


def _write_rejections(context: RunContext, staged: DataFrame) -> int:
    new = build_new_rejections(staged, context.store.read(REJECTED_ROWS))
    rejections = with_run(new, run_id=context.run_id, at=context.as_of, at_column=c.REJECTED_AT)
    return _append(context, REJECTED_ROWS, rejections)


def _append(context: RunContext, spec: TableSpec, rows: DataFrame) -> int:
    return context.store.append(spec, rows, application=context.application(_STAGE, spec))


def _snapshots_delivered(context: RunContext, verdicts: Mapping[str, Verdict]) -> dict[str, bool]:
    """The snapshot sources, and which of them delivered; none where none did."""
    snapshots = [
        source.name for source in context.project.sources if source.kind == "records" and source.delivery == "snapshot"
    ]
    delivered = {name: verdicts[name].tally.rows > 0 for name in snapshots}
    return delivered if any(delivered.values()) else {}


def _write_snapshots(context: RunContext, staged: DataFrame, snapshots: Mapping[str, bool]) -> int:
    delivered = [name for name, was_delivered in snapshots.items() if was_delivered]
    kept = [name for name, was_delivered in snapshots.items() if not was_delivered]
    rows = build_snapshots(staged, context.store.read(SOURCE_SNAPSHOTS), delivered=delivered, kept=kept)
    return context.store.overwrite(SOURCE_SNAPSHOTS, rows)


def _changed_deliveries(
    context: RunContext, verdicts: Mapping[str, Verdict], last: Mapping[str, LastDelivery]
) -> list[tuple[object, ...]]:
    return [
        (source, context.run_id, context.as_of, verdict.tally.rows, verdict.tally.rows_rejected, dict(verdict.columns))
        for source, verdict in verdicts.items()
        if verdict.tally.rows and _differs(verdict, last.get(source))
    ]


def _write_deliveries(context: RunContext, changed: list[tuple[object, ...]]) -> int:
    rows = context.store.spark.createDataFrame(changed, SOURCE_DELIVERIES.schema)
    return _append(context, SOURCE_DELIVERIES, rows)


def _differs(verdict: Verdict, last: LastDelivery | None) -> bool:
    facts = (verdict.tally.rows, verdict.tally.rows_rejected, dict(verdict.columns))
    return last is None or facts != (last.rows, last.rejected, dict(last.columns))
