"""The ingest stage: read, judge, write what is new."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.ingest.checks import LastDelivery, Tally, Verdict, count_facts, judge
from cdp_spark.ingest.deliveries import keep_columns, read_deliveries
from cdp_spark.ingest.drift import configured_columns
from cdp_spark.ingest.staging.rows import stage_rows
from cdp_spark.ingest.suppression.register import read_suppression_list
from cdp_spark.ingest.suppression.rows import with_suppressed
from cdp_spark.ingest.write import count_new_rows, write_bronze
from cdp_spark.tables.catalog import SOURCE_DELIVERIES
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.ingest.readers.delivery import Delivery


def run(context: RunContext) -> StageResult:
    """Bring every source's newest delivery into the bronze tables; what they hold already changes nothing.

    All sources are read once, into one frame kept on disk; it is counted and judged before the first row is written.

    Args:
        context: the run.

    Returns:
        The bronze tables' versions, each source's figures, and how its columns changed.

    Raises:
        DataError: a delivery is empty, cannot be read, has lost columns or rows, or too many of its rows are refused.
    """
    last = _read_last_deliveries(context)
    deliveries = read_deliveries(context.store.spark, context.project.sources, folder=context.project.folder)
    staged = _stage_all(context, deliveries, last)
    if staged is None:
        _judge_all(context, {}, deliveries, last)
        return StageResult(detail="no source delivered a row")
    staged = staged.persist(StorageLevel.DISK_ONLY)
    try:
        verdicts = _judge_all(context, count_facts(staged), deliveries, last)
        versions = write_bronze(context, staged, verdicts, last)
    finally:
        staged.unpersist()
    return StageResult(versions, _metrics(verdicts, count_new_rows(context, versions)), _detail(verdicts))


def _read_last_deliveries(context: RunContext) -> dict[str, LastDelivery]:
    if not context.store.exists(SOURCE_DELIVERIES):
        return {}
    earlier = context.store.read(SOURCE_DELIVERIES).where(F.col(c.RUN_ID) != context.run_id)
    facts = F.struct(c.ROWS_DELIVERED, c.ROWS_REJECTED, c.COLUMNS)
    newest = earlier.groupBy(c.SOURCE).agg(F.max_by(facts, F.struct(c.DELIVERED_AT, c.RUN_ID)).alias("last"))
    return {row[c.SOURCE]: LastDelivery(*row["last"]) for row in newest.collect()}


def _stage_all(
    context: RunContext, deliveries: Mapping[str, Delivery | None], last: Mapping[str, LastDelivery]
) -> DataFrame | None:
    frames, suppressions = [], read_suppression_list(context.store, context.project)
    for source in context.project.sources:
        delivery = deliveries[source.name]
        if delivery is None:
            continue
        if source.drift.new == "ignore" and source.name in last:
            delivery = keep_columns(delivery, configured_columns(source) | frozenset(last[source.name].columns))
        region = source.default_region or context.project.settings.default_region
        staged = stage_rows(delivery.rows, source, as_of=context.as_of, region=region)
        frames.append(with_suppressed(staged, source, suppressions, region=region) if suppressions else staged)
    return reduce(lambda left, right: left.unionByName(right), frames) if frames else None


def _judge_all(
    context: RunContext,
    tallies: Mapping[str, Tally],
    deliveries: Mapping[str, Delivery | None],
    last: Mapping[str, LastDelivery],
) -> dict[str, Verdict]:
    verdicts, mistakes = {}, []
    for source in context.project.sources:
        delivery = deliveries[source.name]
        verdicts[source.name], found = judge(
            source,
            tallies.get(source.name, Tally()),
            delivery.columns if delivery else None,
            last=last.get(source.name),
            force=context.force,
        )
        mistakes += found
    _raise_all(mistakes)
    return verdicts


def _raise_all(mistakes: list[DataError]) -> None:
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        lines = "".join(f"\n  - {mistake}" for mistake in mistakes)
        raise DataError("ingest", got=f"{len(mistakes)} deliveries or parts of them that cannot be used:{lines}")


def _metrics(verdicts: Mapping[str, Verdict], new_rows: Mapping[str, int]) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for source, verdict in verdicts.items():
        tally, drift = verdict.tally, verdict.drift
        figures = {
            "rows_delivered": tally.rows,
            "rows_rejected": tally.rows_rejected,
            "rows_suppressed": tally.suppressed,
            "rows_new": new_rows.get(source, 0),
            "times_unusable": tally.time_issues,
            "columns_missing": len(drift.missing),
            "columns_new": len(drift.new),
            "columns_retyped": len(drift.retyped),
            **{f"rejected.{reason}": rows for reason, rows in sorted(tally.rejected.items())},
        }
        metrics |= {f"{source}.{name}": float(figure) for name, figure in figures.items()}
    return metrics


def _detail(verdicts: Mapping[str, Verdict]) -> str:
    notes = [note for source, verdict in verdicts.items() if (note := _drift_note(source, verdict))]
    empty = [source for source, verdict in verdicts.items() if not verdict.tally.rows]
    notes += [f"{source}: empty" for source in empty]
    suppressed = sum(verdict.tally.suppressed for verdict in verdicts.values())
    notes += [f"{suppressed:,} rows suppressed"] if suppressed else []
    rows = sum(verdict.tally.rows for verdict in verdicts.values())
    return "; ".join([f"{rows:,} rows of {len(verdicts) - len(empty)} sources", *notes])


def _drift_note(source: str, verdict: Verdict) -> str:
    drift = verdict.drift
    parts = [f"no {name}" for name in drift.missing] + [f"new {name}" for name in drift.new]
    parts += [f"{name} was {was} and is {now}" for name, was, now in drift.retyped]
    return f"{source}: {', '.join(parts[:10])}" if parts else ""
