"""The events stage: source_events, this run's ids and the currencies' rates → unified_events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.events.frames import find_in_spans, find_moved
from cdp_spark.events.orders import find_sources_of_rows, split_orders, unite_orders
from cdp_spark.events.stitch import LINE_COLUMNS, SOURCE_COLUMNS, VISITOR, OrderLines, build_unified_events
from cdp_spark.events.worth import build_rates, find_changed_spans
from cdp_spark.limits import BROADCAST_ROWS, EVENT_BYTES_ON_DRIVER, EVENTS_ON_DRIVER, IDENTITY_ON_DRIVER_RECORDS
from cdp_spark.normalise.event_types import CANCELLATION
from cdp_spark.tables.catalog import CURRENCY_RATES, SOURCE_EVENTS, SOURCE_ORDER_LINES, UNIFIED_EVENTS, UNIFIED_IDS
from cdp_spark.tables.checkpoint import CountedFrame, checkpoint_and_count
from cdp_spark.tables.increments.basis import extend_table, keep_table
from cdp_spark.tables.increments.difference import fetch_changed, read_changed
from cdp_spark.tables.increments.keys import count_keys, rows_among, rows_not_among, rows_of_keys, settle_keys
from cdp_spark.tables.increments.serving import Versions, count_rows_at_most, serve_rows
from cdp_spark.tables.rows import as_table, count_by, count_rows, field_of, is_given, renamed, tuples_of, unite
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.config.project import Project
    from cdp_spark.events.worth import Rates
    from cdp_spark.tables.direct.table import Only
    from cdp_spark.tables.increments.keys import Keys
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import Basis, RunContext
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

_WITHOUT_RATE = "events.without_rate"
_UNKNOWN = "unknown"


def run(context: RunContext) -> StageResult:
    """Write `unified_events`, where there are events: all, or those that are new or concerned by what changed."""
    store, basis = context.store, context.basis
    if not store.exists(SOURCE_EVENTS):
        return StageResult(detail="no events yet")
    tables = _Tables(context, on_driver=_is_for_driver(store))
    if basis is None:
        version, detail = store.overwrite(UNIFIED_EVENTS, _unify(tables)), "full"
    else:
        version, detail = _write_changed(tables, basis)
    metrics = _measure(tables)
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


def _is_for_driver(store: Store) -> bool:
    """Whether all that events are made of is near, and few enough."""
    tables = [store.open_local(spec) for spec in (SOURCE_EVENTS, SOURCE_ORDER_LINES) if store.exists(spec)]
    ids = store.open_local(UNIFIED_IDS) if store.exists(UNIFIED_IDS) else None
    if ids is None and store.exists(UNIFIED_IDS):
        return False
    if ids is not None and ids.count() > IDENTITY_ON_DRIVER_RECORDS:
        return False
    return all(it is not None and it.bytes <= EVENT_BYTES_ON_DRIVER and it.count() <= EVENTS_ON_DRIVER for it in tables)


@dataclass(frozen=True)
class _Tables:
    """The tables of a run, read where events are made.

    Args:
        context: of the run.
        on_driver: whether that is here.
    """

    context: RunContext
    on_driver: bool

    def read(
        self, spec: TableSpec, columns: Sequence[str], *, only: Only | None = None, version: int | None = None
    ) -> Rows:
        return serve_rows(
            self.context.store, spec, columns, only=only or {}, on_driver=self.on_driver, at=Versions(version)
        )

    def read_released(self, columns: Sequence[str]) -> Rows:
        """Events as the last release published them."""
        if self.on_driver:
            return self.context.fetch_released(UNIFIED_EVENTS, columns)
        return self.context.read_released(UNIFIED_EVENTS).select(*columns)

    def read_ids(self) -> Rows:
        """Unified ids of visitors; in a frame sent to every task where they are few."""
        only = {c.ENTITY_TYPE: pa.array([VISITOR])}
        ids = self.read(UNIFIED_IDS, (c.RECORD_KEY, c.UNIFIED_ID), only=only)
        return _for_joining(ids, self.context.store, UNIFIED_IDS)

    def find_changed(self, spec: TableSpec, key: str, entity_types: Sequence[str] = ()) -> Keys:
        """Keys of the rows that changed since the basis."""
        if self.on_driver:
            return fetch_changed(self.context, spec, key=(key,))
        return checkpoint_and_count(read_changed(self.context, spec, key=(key,), entity_types=entity_types))


def _for_joining(rows: Rows, store: Store, spec: TableSpec) -> Rows:
    if not isinstance(rows, DataFrame) or count_rows_at_most(store, spec) > BROADCAST_ROWS:
        return rows
    return F.broadcast(rows)


def _unify(tables: _Tables, fresh: Keys | None = None) -> Rows:
    """Make the table's rows: of all events, or of some."""
    project, store = tables.context.project, tables.context.store
    cancelled, lines = None, None
    if _has_orders(project):
        orders = settle_keys([_cancelled(tables.read(SOURCE_EVENTS, (c.CANCELS_KEY,)))])
        cancelled = orders.joinable if isinstance(orders, CountedFrame) else orders
    if _has_order_lines(project):
        lines = OrderLines(tables.read(SOURCE_ORDER_LINES, LINE_COLUMNS), count_rows_at_most(store, SOURCE_ORDER_LINES))
    ids, rates = tables.read_ids(), _fetch_rates(tables.context)
    events = _with_whole_orders(tables, _read_events(tables, fresh))
    return build_unified_events(events, ids, rates, cancelled=cancelled, order_lines=lines)


def _read_events(tables: _Tables, fresh: Keys | None) -> Rows:
    if isinstance(fresh, pa.Table):
        return tables.read(SOURCE_EVENTS, SOURCE_COLUMNS, only={c.EVENT_KEY: fresh[c.EVENT_KEY].combine_chunks()})
    events = tables.read(SOURCE_EVENTS, SOURCE_COLUMNS)
    return events if fresh is None else rows_among(events, c.EVENT_KEY, fresh)


def _with_whole_orders(tables: _Tables, events: Rows) -> Rows:
    """Make one purchase of the rows of each order, of sources that deliver orders so."""
    sources, store = find_sources_of_rows(tables.context.project.sources), tables.context.store
    if not sources:
        return events
    of_orders, others = split_orders(events, sources)
    return unite(store.spark, [others, unite_orders(of_orders, row_count=count_rows_at_most(store, SOURCE_EVENTS))])


def _cancelled(events: Rows) -> Rows:
    """Keys of the orders that events cancel."""
    named = events.filter(is_given(events, c.CANCELS_KEY)).select([c.CANCELS_KEY])
    return renamed(named, [c.ORDER_KEY])


def _fetch_rates(context: RunContext, version: int | None = None) -> Rates:
    settings, names = context.project.settings, (c.CURRENCY, c.DAY, c.RATE)
    rows = context.store.fetch(CURRENCY_RATES, names, version=version).select(names)
    return build_rates(tuples_of(rows), own=settings.currency, time_zone=settings.time_zone)


def _write_changed(tables: _Tables, basis: Basis) -> tuple[int, str]:
    """Append new events where nothing else changed; else leave out the rows that do not hold any more, too."""
    context, store = tables.context, tables.context.store
    changed = tables.find_changed(SOURCE_EVENTS, c.EVENT_KEY)
    parts = [_find_moved(tables), *_find_concerned(tables, basis, changed)]
    fresh = settle_keys([rows_of_keys(changed), *parts])
    if find_sources_of_rows(context.project.sources) and count_keys(fresh):
        fresh = settle_keys([rows_of_keys(fresh), *_find_whole_orders(tables, basis, fresh)])
    detail = f"incremental: {count_keys(fresh):,} events are new, or their visitor, order or rate changed"
    if not count_keys(fresh):
        return keep_table(context, UNIFIED_EVENTS, basis), detail
    unified = _unify(tables, fresh)
    stale = settle_keys([rows_among(tables.read_released((c.EVENT_KEY,)), c.EVENT_KEY, fresh)])
    if not count_keys(stale):
        return extend_table(context, UNIFIED_EVENTS, unified), detail
    others = rows_not_among(tables.read_released(UNIFIED_EVENTS.schema.names), c.EVENT_KEY, stale)
    return store.overwrite(UNIFIED_EVENTS, unite(store.spark, [others, unified])), detail


def _find_moved(tables: _Tables) -> Rows:
    """Released events whose visitor has another id."""
    released = tables.read_released((c.EVENT_KEY, c.RECORD_KEY, c.UNIFIED_ID))
    if not tables.on_driver:
        moved = tables.find_changed(UNIFIED_IDS, c.RECORD_KEY, (VISITOR,))
        return rows_among(released, c.RECORD_KEY, moved).select([c.EVENT_KEY])
    return find_moved(as_table(released), as_table(tables.read_ids()))


def _find_concerned(tables: _Tables, basis: Basis, changed: Keys) -> list[Rows]:
    """Released events whose order was cancelled or got other lines, or whose currency got another rate."""
    context = tables.context
    found: list[Rows] = []
    of_orders = [*_find_cancelled(tables, basis, changed), *_find_with_lines(tables)]
    if of_orders:
        found.append(rows_among(tables.read_released((c.EVENT_KEY,)), c.EVENT_KEY, settle_keys(of_orders)))
    before = basis.read[CURRENCY_RATES.name]
    if context.store.exists(CURRENCY_RATES) and context.store.version(CURRENCY_RATES) != before:
        known = _fetch_rates(context, before) if before >= 0 else build_rates((), own="", time_zone="UTC")
        spans = find_changed_spans(known, _fetch_rates(context))
        released = tables.read_released((c.EVENT_KEY, c.CURRENCY, c.OCCURRED_AT))
        found += [find_in_spans(released, spans)] if spans.num_rows else []
    return found


def _find_cancelled(tables: _Tables, basis: Basis, changed: Keys) -> list[Rows]:
    """Events of orders that are cancelled by events that changed, or were until then."""
    if not (_has_orders(tables.context.project) and count_keys(changed)):
        return []
    names, before = (c.EVENT_KEY, c.CANCELS_KEY), basis.read[SOURCE_EVENTS.name]
    sides = [tables.read(SOURCE_EVENTS, names, version=version) for version in (None, before)]
    orders = settle_keys([_cancelled(rows_among(side, c.EVENT_KEY, changed)) for side in sides])
    if not count_keys(orders):
        return []
    events = tables.read(SOURCE_EVENTS, (c.EVENT_KEY, c.ORDER_KEY))
    return [rows_among(events, c.ORDER_KEY, orders).select([c.EVENT_KEY])]


def _find_whole_orders(tables: _Tables, basis: Basis, concerned: Keys) -> list[Rows]:
    """All rows, now and before, of the orders of which a row is concerned."""
    names, sources = (c.EVENT_KEY, c.ORDER_KEY, c.SOURCE), list(find_sources_of_rows(tables.context.project.sources))
    sides = [tables.read(SOURCE_EVENTS, names, version=version) for version in (None, basis.read[SOURCE_EVENTS.name])]
    rows = [it.filter(field_of(it, c.SOURCE).isin(sources) & is_given(it, c.ORDER_KEY)) for it in sides]
    orders = settle_keys([rows_among(it, c.EVENT_KEY, concerned).select([c.ORDER_KEY]) for it in rows])
    return [rows_among(it, c.ORDER_KEY, orders).select([c.EVENT_KEY]) for it in rows]


def _find_with_lines(tables: _Tables) -> list[Rows]:
    """Events of orders with other lines."""
    if not _has_order_lines(tables.context.project):
        return []
    changed = tables.find_changed(SOURCE_ORDER_LINES, c.ORDER_KEY)
    events = tables.read(SOURCE_EVENTS, (c.EVENT_KEY, c.LINES_KEY))
    return [rows_among(events, c.LINES_KEY, changed).select([c.EVENT_KEY])] if count_keys(changed) else []


def _measure(tables: _Tables) -> dict[str, float]:
    """Count events, those with a profile, and by currency those whose value could not be converted."""
    events = tables.read(UNIFIED_EVENTS, (c.UNIFIED_ID, c.EVENT_TYPE, c.VALUE_GIVEN, c.VALUE, c.CURRENCY))
    metrics = {"events.rows": float(tables.context.store.count(UNIFIED_EVENTS))}
    metrics["events.stitched"] = float(count_rows(events.filter(is_given(events, c.UNIFIED_ID))))
    has_no_value = is_given(events, c.VALUE_GIVEN) & ~is_given(events, c.VALUE)
    lost = count_by(events.filter(has_no_value & (field_of(events, c.EVENT_TYPE) != CANCELLATION)), c.CURRENCY)
    metrics[_WITHOUT_RATE] = float(sum(lost.values()))
    return metrics | {f"{_WITHOUT_RATE}.{currency or _UNKNOWN}": float(count) for currency, count in lost.items()}
