"""Deliveries of rows: what each destination is to have, the ledger of what it has, and the sending, on the driver.

1. The audiences of all destinations of rows are fetched, side by side.
2. Each is compared with the destination's part of `to_send`, after the fates that a killed run recorded behind it.
3. Rows that are over their channel's cap or in quiet hours are left for a later run (`pacing`). Those of drt are
   looked at when they are handed over (`handover`).
4. `to_send` is written with what is to be sent, then it is sent, side by side; `delivery_attempts` has each attempt
   before it begins, and each fate.
5. `to_send` is written with what the destinations have now.

A run that is killed anywhere begins again at 1, and sends what it has no acknowledgement of with the same keys.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.activation.audiences.audience import REASON
from cdp_spark.activation.audiences.cells import cells
from cdp_spark.activation.audiences.reading import inputs_checksum, read_audience
from cdp_spark.activation.export import Delivery, Status
from cdp_spark.activation.holds import find_hold
from cdp_spark.activation.ledger import OPEN, Attempt, Rules, rows_to_send, send_rows, settle_all
from cdp_spark.activation.planning import Plan, hash_rows, make_plan, rows_of, warn_of_left_rows
from cdp_spark.activation.repeat import has_inputs_of_last
from cdp_spark.activation.sending.pacing import Due
from cdp_spark.activation.sending.senders import changes_sender, place_of, target_of
from cdp_spark.activation.sending.waits import ZONE_COLUMNS, find_waits, zone_columns, zones_by_id
from cdp_spark.config.base import hide_secrets
from cdp_spark.config.destination import DrtDestination
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import DELIVERIES, DELIVERY_ATTEMPTS, TO_SEND
from cdp_spark.tables.rows import as_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cdp_spark.activation.destinations.interface import Fate, Row
    from cdp_spark.activation.ledger import AttemptStatus, Entry
    from cdp_spark.activation.sending.pacing import Wait
    from cdp_spark.config.destination import AnyDestination
    from cdp_spark.tables.run import RunContext

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A destination and what it is to have.

    Args:
        destination: its settings.
        delivery: what is known so far.
        rows: that it is to have: unified_id and its columns.
        plan: of what is to be sent.
        zones: the time zone of each person, where the channel has quiet hours.
        waits: rows that are left for a later run, and why.
    """

    destination: AnyDestination
    delivery: Delivery
    rows: pa.Table
    plan: Plan
    zones: Mapping[str, str] = field(default_factory=dict)
    waits: Mapping[str, Wait] = field(default_factory=dict)


@dataclass(frozen=True)
class RowDeliveries:
    """What became of the destinations with a ledger.

    Args:
        deliveries: one of each destination.
        versions: of the tables that were written.
        warnings: of rows that destinations have which are configured no more.
    """

    deliveries: Sequence[Delivery] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def deliver_rows(context: RunContext) -> RowDeliveries:
    """Bring every destination with a ledger up to date.

    Where nothing that a destination depends on has changed, and nothing is open, nothing is read or sent.
    """
    destinations = context.project.destinations.with_ledger
    inputs = {it.name: inputs_checksum(context, it) for it in destinations}  # before they are read: they may change
    told = {it.name: _without_sending(context, it, inputs[it.name]) for it in destinations}
    due = [it for it in destinations if told[it.name] is None]
    warnings: tuple[str, ...] = ()
    if due:
        audiences = run_together(context.store.spark, {it.name: partial(fetch_audience, context, it) for it in due})
        state = context.store.fetch(TO_SEND)
        warnings = tuple(warn_of_left_rows(state, [it.name for it in destinations]))
        attempts = fetch_attempts(context, state)
        prepared = _with_waits(context, [_prepare(context, it, audiences[it.name], state, attempts) for it in due])
        others = state.filter(pc.invert(pc.is_in(state[c.DESTINATION], value_set=pa.array([it.name for it in due]))))
        if any(it.plan.is_changed for it in prepared):
            _write(context, others, prepared)
        lock = threading.Lock()
        names = [it.destination.name for it in prepared]
        sends = {
            name: partial(_send, context, it, inputs[name], lock) for name, it in zip(names, prepared, strict=True)
        }
        sent = run_together(context.store.spark, sends)
        if any(after.plan is not before.plan for before, after in zip(prepared, sent.values(), strict=True)):
            _write(context, others, list(sent.values()))
        told |= {name: it.delivery for name, it in sent.items()}
    written = [spec for spec in (TO_SEND, DELIVERY_ATTEMPTS) if due and context.store.exists(spec)]
    versions = {spec.name: context.store.version(spec) for spec in written}
    return RowDeliveries([it for it in told.values() if it is not None], versions, warnings)


def _without_sending(context: RunContext, destination: AnyDestination, inputs: float) -> Delivery | None:
    """The delivery of a destination that gets nothing now; None where it has to be looked at."""
    told = Delivery(destination.name, destination.label, "delivered", 0, place_of(context, destination))
    if reason := find_hold(context, destination):
        return replace(told, status="held", problem=reason)
    is_due = context.full or destination.mode == "full" or not has_inputs_of_last(context, destination, inputs)
    return None if is_due else replace(told, inputs=inputs)


def fetch_audience(context: RunContext, destination: AnyDestination) -> pa.Table:
    """All members, with why they are withheld, their values, and what tells their time zone (an action)."""
    audience = read_audience(context, destination)
    others = tuple(it for it in destination.sent_columns if it.written != c.UNIFIED_ID)
    values = cells(destination.model_copy(update={"columns": others}), audience) if others else []
    return as_table(audience.select(REASON, c.UNIFIED_ID, *values, *zone_columns(context, destination)))


def fetch_attempts(context: RunContext, state: pa.Table) -> dict[str, list[Attempt]]:
    """What was recorded of open rows, by idempotency key."""
    keys = state.filter(pc.is_in(state[c.STATUS], value_set=pa.array(OPEN)))[c.IDEMPOTENCY_KEY].combine_chunks()
    found: defaultdict[str, list[Attempt]] = defaultdict(list)
    if len(keys):
        names = (c.IDEMPOTENCY_KEY, c.ATTEMPT, c.STATUS)
        for row in context.store.fetch(DELIVERY_ATTEMPTS, names, only={c.IDEMPOTENCY_KEY: keys}).to_pylist():
            found[row[c.IDEMPOTENCY_KEY]].append(Attempt(row[c.IDEMPOTENCY_KEY], row[c.ATTEMPT], row[c.STATUS]))
    return found


def values_of(audience: pa.Table) -> pa.Table:
    """What is sent of an audience, and the ids; neither reasons nor what tells a time zone."""
    return audience.drop_columns([REASON, *(name for name in ZONE_COLUMNS if name in audience.column_names)])


def _prepare(
    context: RunContext,
    destination: AnyDestination,
    audience: pa.Table,
    state: pa.Table,
    attempts: Mapping[str, Sequence[Attempt]],
) -> Prepared:
    allowed = audience.filter(pc.is_null(audience[REASON]))
    rows = values_of(allowed)
    reasons = audience[REASON].drop_null().value_counts().to_pylist()
    withheld = {it["values"]: it["counts"] for it in sorted(reasons, key=lambda it: str(it["values"]))}
    out_of_bounds = destination.out_of_bounds(rows.num_rows)
    if out_of_bounds:
        withheld[out_of_bounds] = rows.num_rows
    status: Status = "skipped" if out_of_bounds else "delivered"
    place = place_of(context, destination)
    told = Delivery(destination.name, destination.label, status, 0, place, withheld)
    own = state.filter(pc.equal(state[c.DESTINATION], destination.name))
    target = target_of(destination)
    rules = Rules(
        destination.mode,
        target,
        context.ordinal,
        is_first=destination.mode == "changes" and not _is_known(context, told, own, target),
        only_removals=out_of_bounds is not None,
    )
    wanted = pa.table({c.UNIFIED_ID: rows[c.UNIFIED_ID], c.CONTENT_HASH: pa.chunked_array([hash_rows(rows)])})
    plan = make_plan(own, attempts, wanted, rules, max_refusals=destination.max_refusals)
    return Prepared(destination, told, rows, plan, zones_by_id(allowed, context.project.settings.time_zone))


def _with_waits(context: RunContext, prepared: Sequence[Prepared]) -> list[Prepared]:
    """Leave rows for a later run; what is pending of them is not sent."""
    sent_now = [it for it in prepared if not isinstance(it.destination, DrtDestination)]
    due = [due_of(it.destination, it.plan.entries, it.zones) for it in sent_now]
    waits = find_waits(context, due, now=datetime.now(UTC))
    return [_without_waiting(it, waits.get(it.destination.name, {})) for it in prepared]


def due_of(destination: AnyDestination, entries: Iterable[Entry], zones: Mapping[str, str]) -> Due:
    """What a destination would be sent: its open rows that add or update someone."""
    keys = {it.unified_id: it.key for it in entries if it.status in OPEN and it.action in ("add", "update")}
    return Due(destination.name, destination.channel, destination.priority, keys, zones)


def _without_waiting(prepared: Prepared, waits: Mapping[str, Wait]) -> Prepared:
    if not waits:
        return prepared
    entries = tuple(
        replace(it, status="unsent") if it.unified_id in waits and it.status == "pending" else it
        for it in prepared.plan.entries
    )
    told = replace(prepared.delivery, withheld={**prepared.delivery.withheld, **Counter(waits.values())})
    plan = replace(prepared.plan, entries=entries)
    return replace(prepared, plan=plan, delivery=told, waits=waits)


def _is_known(context: RunContext, told: Delivery, own: pa.Table, target: str) -> bool:
    """Whether this place was ever delivered to."""
    if pc.any(pc.equal(own[c.TARGET], target)).as_py():
        return True
    only = {c.DESTINATION: pa.array([told.destination]), c.LOCATION: pa.array([str(hide_secrets(told.location))])}
    statuses = context.store.fetch(DELIVERIES, (c.STATUS,), only=only)[c.STATUS].to_pylist()
    return any(status in ("delivered", "failed") for status in statuses)


def _write(context: RunContext, others: pa.Table, prepared: Sequence[Prepared]) -> None:
    """Write `to_send`: the plans' rows, and those of destinations that are not looked at."""
    parts = [others]
    for it in prepared:
        entries = rows_of(it.destination.name, it.plan.entries, TO_SEND.schema.names)
        parts += [it.plan.settled, TO_SEND.table(entries)]
    context.store.overwrite(TO_SEND, pa.concat_tables(parts, promote_options="permissive"))


def _send(context: RunContext, prepared: Prepared, inputs: float, lock: threading.Lock) -> Prepared:
    """Send what is open, and settle it."""
    destination, entries = prepared.destination, prepared.plan.entries
    if isinstance(destination, DrtDestination):
        ready = sum(it.status in OPEN for it in entries)
        return replace(prepared, delivery=_told(prepared, inputs, {"ready": ready}, ""))
    going = [it for it in entries if it.unified_id not in prepared.waits]
    due = pa.array([it.unified_id for it in going if it.status in OPEN], pa.string())
    values = prepared.rows.filter(pc.is_in(prepared.rows[c.UNIFIED_ID], value_set=due))
    rows = rows_to_send(going, values_by_id(values, destination))
    if not rows:
        return replace(prepared, delivery=_told(prepared, inputs, {}, ""))
    numbers = {it.key: it.tries + 1 for it in entries}
    attempts: defaultdict[str, list[Attempt]] = defaultdict(list)

    def record(sent: Sequence[Row], fates: Sequence[Fate] | None) -> None:
        told: Sequence[Fate | None] = fates or [None] * len(sent)
        for row, fate in zip(sent, told, strict=True):
            status: AttemptStatus = fate.status if fate else "sending"
            attempts[row.key].append(Attempt(row.key, numbers[row.key], status))
        with lock:
            record_attempts(context, destination.name, sent, told, numbers)

    sender = changes_sender(context, destination, prepared.rows.schema)
    counts, problem = send_rows(rows, sender, record, chunk_rows=limits.DELIVERY_CHUNK_ROWS)
    settled = tuple(settle_all(it, attempts.get(it.key, ()), max_refusals=destination.max_refusals) for it in entries)
    after = replace(prepared, plan=replace(prepared.plan, entries=settled))
    return replace(after, delivery=_told(after, inputs, cast("Mapping[str, int]", counts), problem))


def values_by_id(rows: pa.Table, destination: AnyDestination) -> dict[str, dict[str, object]]:
    """The values of each row by unified_id, which is among them where the destination's columns name it."""
    by_id = {row.pop(c.UNIFIED_ID): row for row in rows.to_pylist(maps_as_pydicts="strict")}
    if all(it.written != c.UNIFIED_ID for it in destination.columns):
        return by_id
    return {unified_id: {c.UNIFIED_ID: unified_id, **row} for unified_id, row in by_id.items()}


def record_attempts(
    context: RunContext,
    destination: str,
    sent: Sequence[Row],
    fates: Sequence[Fate | None],
    numbers: Mapping[str, int],
) -> None:
    """Append attempts to `delivery_attempts`; arguments as of `attempts_table`."""
    lines = attempts_table(context, destination, sent, fates, numbers)
    context.store.append(DELIVERY_ATTEMPTS, lines, application=None)


def attempts_table(
    context: RunContext,
    destination: str,
    sent: Sequence[Row],
    fates: Sequence[Fate | None],
    numbers: Mapping[str, int],
) -> pa.Table:
    """Make the rows of `delivery_attempts`.

    Args:
        context: of the run.
        destination: its name.
        sent: rows of the attempt.
        fates: of each; None before it is sent.
        numbers: of the attempts, by idempotency key.
    """
    at = datetime.now(UTC)
    lines = []
    for row, fate in zip(sent, fates, strict=True):
        reason = ": ".join(filter(None, (fate.reason, fate.words))) if fate else ""
        status = fate.status if fate else "sending"
        ids = (destination, row.unified_id, row.key, numbers[row.key])
        lines.append((*ids, row.action, status, reason or None, at, context.ordinal, context.run_id))
    return DELIVERY_ATTEMPTS.table(lines)


def _told(prepared: Prepared, inputs: float, counts: Mapping[str, int], problem: str) -> Delivery:
    """Sum up; a destination of which nothing is open need not be looked at again until something changes."""
    entries = prepared.plan.entries
    dead = sum(it.status == "dead" for it in entries)
    is_open = any(it.status in OPEN for it in entries)
    told = replace(
        prepared.delivery,
        row_count=counts.get("acknowledged", 0),
        counts={**counts, "dead": dead},
        inputs=None if is_open else inputs,
    )
    return replace(told, status="failed", problem=problem) if problem else told
