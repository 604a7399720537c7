"""The events stage: source_events, this run's ids and the currencies' rates → unified_events."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.events.orders import find_sources_of_rows
from cdp_spark.events.stitch import VISITOR, build_unified_events
from cdp_spark.events.worth import build_rates, find_changed_spans
from cdp_spark.normalise.event_types import CANCELLATION
from cdp_spark.tables.catalog import CURRENCY_RATES, SOURCE_EVENTS, SOURCE_ORDER_LINES, UNIFIED_EVENTS, UNIFIED_IDS
from cdp_spark.tables.checkpoint import checkpoint_and_count, unite_distinct
from cdp_spark.tables.increments.basis import extend_table, keep_table
from cdp_spark.tables.increments.difference import read_changed
from cdp_spark.tables.rows import as_frame, tuples_of
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from cdp_spark.config.project import Project
    from cdp_spark.events.worth import Rates
    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import Basis, RunContext

_WITHOUT_RATE = "events.without_rate"
_UNKNOWN = "unknown"


def run(context: RunContext) -> StageResult:
    """Write `unified_events`, where there are events: all, or those that are new or concerned by what changed."""
    store, basis = context.store, context.basis
    if not store.exists(SOURCE_EVENTS):
        return StageResult(detail="no events yet")
    if basis is None:
        version, detail = store.overwrite(UNIFIED_EVENTS, _unify(context, store.read(SOURCE_EVENTS))), "full"
    else:
        version, detail = _write_changed(context, basis)
    metrics = _measure(context)
    return StageResult({UNIFIED_EVENTS.name: version}, metrics, detail, warn(context.project, metrics))


def settings_of(project: Project) -> object:
    """What the result depends on in the configuration."""
    settings = project.settings
    orders = (_has_orders(project), _has_order_lines(project), find_sources_of_rows(project.sources))
    return [settings.currency, str(settings.time_zone), *orders]


def warn(project: Project, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Tell of values that could not be converted."""
    counts = {name.rpartition(".")[2]: int(it) for name, it in figures.items() if name.startswith(f"{_WITHOUT_RATE}.")}
    if not counts:
        return ()
    told = ", ".join(f"{currency} {count:,}" for currency, count in sorted(counts.items()))
    events = sum(counts.values())
    return (
        f"events: {events:,} event{' has' if events == 1 else 's have'} no value in {project.settings.currency}, as "
        f"no rate is known on their day: {told}. A source of rates gives them.",
    )


def _has_orders(project: Project) -> bool:
    return any(it.events and (it.events.order_id or it.events.cancels) for it in project.sources)


def _has_order_lines(project: Project) -> bool:
    return any(it.events and it.events.lines_from for it in project.sources)


def _unify(context: RunContext, events: DataFrame) -> DataFrame:
    store, project = context.store, context.project
    cancelled = None
    if _has_orders(project):
        cancelled = _cancelled(store.read(SOURCE_EVENTS)).distinct()
    lines = store.read(SOURCE_ORDER_LINES) if _has_order_lines(project) else None
    ids, rates = store.read(UNIFIED_IDS), _fetch_rates(context)
    return build_unified_events(
        events,
        ids,
        rates,
        cancelled=cancelled,
        order_lines=lines,
        sources_of_rows=find_sources_of_rows(project.sources),
    )


def _cancelled(events: DataFrame) -> DataFrame:
    return events.where(F.col(c.CANCELS_KEY).isNotNull()).select(F.col(c.CANCELS_KEY).alias(c.ORDER_KEY))


def _fetch_rates(context: RunContext, version: int | None = None) -> Rates:
    settings, names = context.project.settings, (c.CURRENCY, c.DAY, c.RATE)
    rows = context.store.fetch(CURRENCY_RATES, names, version=version).select(names)
    return build_rates(tuples_of(rows), own=settings.currency, time_zone=settings.time_zone)


def _write_changed(context: RunContext, basis: Basis) -> tuple[int, str]:
    """Append new events where nothing else changed; else leave out the rows that do not hold any more, too."""
    store, released = context.store, context.read_released(UNIFIED_EVENTS)
    changed = checkpoint_and_count(read_changed(context, SOURCE_EVENTS, key=(c.EVENT_KEY,)))
    moved = checkpoint_and_count(read_changed(context, UNIFIED_IDS, key=(c.RECORD_KEY,), entity_types=(VISITOR,)))
    of_moved = released.join(moved.joinable, on=c.RECORD_KEY, how="left_semi").select(c.EVENT_KEY)
    of_changed = released.join(changed.joinable, on=c.EVENT_KEY, how="left_semi").select(c.EVENT_KEY)
    concerned = [of_moved, *_concerned(context, basis, changed)]
    stale = unite_distinct([of_changed, *concerned])
    fresh = unite_distinct([changed.rows, *concerned])
    if find_sources_of_rows(context.project.sources) and fresh.count:
        fresh = unite_distinct([fresh.rows, *_of_whole_orders(context, basis, fresh)])
        stale = unite_distinct([released.join(fresh.joinable, on=c.EVENT_KEY, how="left_semi").select(c.EVENT_KEY)])
    detail = f"incremental: {fresh.count:,} events are new, or their visitor, order or rate changed"
    if not fresh.count:
        return keep_table(context, UNIFIED_EVENTS, basis), detail
    unified = _unify(context, store.read(SOURCE_EVENTS).join(fresh.joinable, on=c.EVENT_KEY, how="left_semi"))
    if not stale.count:
        return extend_table(context, UNIFIED_EVENTS, unified), detail
    others = released.join(stale.joinable, on=c.EVENT_KEY, how="left_anti").select(*unified.columns)
    return store.overwrite(UNIFIED_EVENTS, others.unionByName(unified)), detail


def _concerned(context: RunContext, basis: Basis, changed: CountedFrame) -> list[DataFrame]:
    """Released events whose order was cancelled or got other lines, or whose currency got another rate."""
    released, found = context.read_released(UNIFIED_EVENTS), []
    of_orders = [*_of_cancelled(context, basis, changed), *_of_lines(context)]
    if of_orders:
        keys = reduce(DataFrame.unionByName, of_orders)
        found.append(released.join(keys, on=c.EVENT_KEY, how="left_semi").select(c.EVENT_KEY))
    before = basis.read[CURRENCY_RATES.name]
    if context.store.exists(CURRENCY_RATES) and context.store.version(CURRENCY_RATES) != before:
        known = _fetch_rates(context, before) if before >= 0 else build_rates((), own="", time_zone="UTC")
        spans = find_changed_spans(known, _fetch_rates(context))
        found += [_of_spans(released, spans)] if spans.num_rows else []
    return found


def _of_cancelled(context: RunContext, basis: Basis, changed: CountedFrame) -> list[DataFrame]:
    if not (_has_orders(context.project) and changed.count):
        return []
    events = context.store.read(SOURCE_EVENTS)
    sides = [events, context.store.read(SOURCE_EVENTS, version=basis.read[SOURCE_EVENTS.name])]
    named = [_cancelled(side.join(changed.joinable, on=c.EVENT_KEY, how="left_semi")) for side in sides]
    orders = unite_distinct(named)
    return [events.join(orders.joinable, on=c.ORDER_KEY, how="left_semi").select(c.EVENT_KEY)]


def _of_whole_orders(context: RunContext, basis: Basis, concerned: CountedFrame) -> list[DataFrame]:
    """All rows, now and before, of the orders of which a row is concerned."""
    store, rows_of = context.store, F.col(c.SOURCE).isin(*find_sources_of_rows(context.project.sources))
    before = store.read(SOURCE_EVENTS, version=basis.read[SOURCE_EVENTS.name])
    sides = [side.where(rows_of & F.col(c.ORDER_KEY).isNotNull()) for side in (store.read(SOURCE_EVENTS), before)]
    keys = [side.join(concerned.joinable, on=c.EVENT_KEY, how="left_semi").select(c.ORDER_KEY) for side in sides]
    orders = unite_distinct(keys)
    return [side.join(orders.joinable, on=c.ORDER_KEY, how="left_semi").select(c.EVENT_KEY) for side in sides]


def _of_lines(context: RunContext) -> list[DataFrame]:
    if not _has_order_lines(context.project):
        return []
    changed = checkpoint_and_count(read_changed(context, SOURCE_ORDER_LINES, key=(c.ORDER_KEY,)))
    orders = changed.joinable.withColumnRenamed(c.ORDER_KEY, c.LINES_KEY)
    return [context.store.read(SOURCE_EVENTS).join(orders, on=c.LINES_KEY, how="left_semi").select(c.EVENT_KEY)]


def _of_spans(released: DataFrame, spans: pa.Table) -> DataFrame:
    name, since, until = (F.col(column) for column in spans.column_names)
    at = F.unix_micros(c.OCCURRED_AT)
    applies = (F.col(c.CURRENCY) == name) & (at >= since) & (until.isNull() | (at < until))
    frame = F.broadcast(as_frame(released.sparkSession, spans))
    return released.join(frame, on=applies, how="left_semi").select(c.EVENT_KEY)


def _measure(context: RunContext) -> dict[str, float]:
    """Count events, those with a profile, and by currency those whose value could not be converted."""
    events = context.store.read(UNIFIED_EVENTS)
    is_lost = F.col(c.VALUE_GIVEN).isNotNull() & F.col(c.VALUE).isNull() & (F.col(c.EVENT_TYPE) != CANCELLATION)
    counts = (F.count(F.lit(1)).alias("events.rows"), F.count(c.UNIFIED_ID).alias("events.stitched"))
    row = events.agg(*counts, F.count_if(is_lost).alias(_WITHOUT_RATE)).collect()[0]
    metrics = {name: float(count) for name, count in row.asDict().items()}
    if metrics[_WITHOUT_RATE]:
        lost = events.where(is_lost).groupBy(F.coalesce(c.CURRENCY, F.lit(_UNKNOWN)).alias(c.CURRENCY)).count()
        metrics |= {f"{_WITHOUT_RATE}.{row[c.CURRENCY]}": float(row["count"]) for row in lost.collect()}
    return metrics
