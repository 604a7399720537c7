"""Deliveries of rows: what each destination is to have, the ledger of what it has, and the sending, on the driver.

1. The audiences of all destinations of rows are fetched, side by side.
2. Each is compared with the destination's part of `to_send`, after the fates that a killed run recorded behind it.
3. `to_send` is written with what is to be sent, then it is sent, side by side; `delivery_attempts` has each attempt
   before it begins, and each fate.
4. `to_send` is written with what the destinations have now.

A run that is killed anywhere begins again at 1, and sends what it has no acknowledgement of with the same keys.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.activation.audience import ALLOWED, SUPPRESSED, build_audience
from cdp_spark.activation.cells import cells
from cdp_spark.activation.destinations.interface import Fate, Row
from cdp_spark.activation.export import Delivery, Status
from cdp_spark.activation.ledger import OPEN, Attempt, Rules, rows_to_send, send_rows, settle_all
from cdp_spark.activation.notice import ERASED
from cdp_spark.activation.planning import Plan, hash_rows, make_plan, rows_of
from cdp_spark.activation.repeat import has_inputs_of_last, inputs_checksum
from cdp_spark.config.base import Secret, hide_secrets
from cdp_spark.config.destination import (
    NO_PURPOSE,
    DrtDestination,
    PostgresDestination,
    SlackDestination,
    WebhookDestination,
)
from cdp_spark.normalise.hashing import canonical_json, hash_key
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import CONSENTS, DELIVERIES, DELIVERY_ATTEMPTS, PROFILES, SEGMENT_MEMBERS, TO_SEND
from cdp_spark.tables.consents import build_contact_point_consents
from cdp_spark.tables.rows import as_table
from cdp_spark.tables.withdrawals import fetch_issues, find_open, holding, of_purpose, tell_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.activation.destinations.interface import Sender
    from cdp_spark.activation.ledger import AttemptStatus
    from cdp_spark.config.destination import AnyRowDestination, OnlineDestination
    from cdp_spark.tables.run import RunContext

log = logging.getLogger(__name__)

NOT_TOLD = "delete the erased people there: drt is not told of them"
"""What an erasure leaves to do at a destination that drt sends to."""


@dataclass(frozen=True)
class Prepared:
    """A destination and what it is to have.

    Args:
        destination: its settings.
        delivery: what is known so far.
        rows: that it is to have: unified_id and its columns.
        plan: of what is to be sent.
    """

    destination: AnyRowDestination
    delivery: Delivery
    rows: pa.Table
    plan: Plan


def deliver_rows(context: RunContext) -> tuple[list[Delivery], dict[str, int]]:
    """Bring every destination of rows up to date; returns what became of each, and the versions of what was written.

    Where nothing that a destination depends on has changed, and nothing is open, nothing is read or sent.
    """
    destinations = context.project.destinations.rows
    inputs = {it.name: inputs_checksum(context, it) for it in destinations}  # before they are read: they may change
    told = {it.name: _without_sending(context, it, inputs[it.name]) for it in destinations}
    due = [it for it in destinations if told[it.name] is None]
    if due:
        audiences = run_together(context.store.spark, {it.name: partial(fetch_audience, context, it) for it in due})
        state = context.store.fetch(TO_SEND)
        attempts = fetch_attempts(context, state)
        prepared = [_prepare(context, it, audiences[it.name], state, attempts) for it in due]
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
    return [it for it in told.values() if it is not None], versions


def _without_sending(context: RunContext, destination: AnyRowDestination, inputs: float) -> Delivery | None:
    """The delivery of a destination that gets nothing now; None where it has to be looked at."""
    place = location_of(destination)
    told = Delivery(destination.name, destination.segment, "delivered", 0, 0, 0, place)
    unread = of_purpose(holding(find_open(fetch_issues(context.store)), context.project), destination.purpose)
    if unread and destination.purpose != NO_PURPOSE:
        return replace(told, status="held", problem=tell_names(unread))
    is_due = context.full or destination.mode == "full" or not has_inputs_of_last(context, destination, inputs)
    return None if is_due else replace(told, inputs=inputs)


def fetch_audience(context: RunContext, destination: AnyRowDestination) -> pa.Table:
    """All members, with whether they are allowed, and their values (an action)."""
    audience = build_audience(
        context.read_released(PROFILES),
        context.read_released(SEGMENT_MEMBERS),
        build_contact_point_consents(context.store.read(CONSENTS)),
        destination=destination,
        policy=context.project.settings.consent,
    )
    others = [name for name in destination.columns if name != c.UNIFIED_ID]
    values = cells(destination.model_copy(update={"columns": tuple(others)}))
    return as_table(audience.select(ALLOWED, SUPPRESSED, c.UNIFIED_ID, *values))


def fetch_attempts(context: RunContext, state: pa.Table) -> dict[str, list[Attempt]]:
    """What was recorded of open rows, by idempotency key."""
    keys = state.filter(pc.is_in(state[c.STATUS], value_set=pa.array(OPEN)))[c.IDEMPOTENCY_KEY].combine_chunks()
    found: defaultdict[str, list[Attempt]] = defaultdict(list)
    if len(keys):
        names = (c.IDEMPOTENCY_KEY, c.ATTEMPT, c.STATUS)
        for row in context.store.fetch(DELIVERY_ATTEMPTS, names, only={c.IDEMPOTENCY_KEY: keys}).to_pylist():
            found[row[c.IDEMPOTENCY_KEY]].append(Attempt(row[c.IDEMPOTENCY_KEY], row[c.ATTEMPT], row[c.STATUS]))
    return found


def _prepare(
    context: RunContext,
    destination: AnyRowDestination,
    audience: pa.Table,
    state: pa.Table,
    attempts: Mapping[str, Sequence[Attempt]],
) -> Prepared:
    rows = audience.filter(audience[ALLOWED]).drop_columns([ALLOWED, SUPPRESSED])
    suppressed = pc.sum(audience[SUPPRESSED]).as_py() or 0
    withheld = audience.num_rows - rows.num_rows - suppressed
    is_small = audience.num_rows < destination.min_members
    status: Status = "skipped" if is_small else "delivered"
    place = location_of(destination)
    told = Delivery(destination.name, destination.segment, status, 0, withheld, suppressed, place)
    own = state.filter(pc.equal(state[c.DESTINATION], destination.name))
    target = target_of(destination)
    rules = Rules(
        destination.mode,
        target,
        context.ordinal,
        is_first=destination.mode == "changes" and not _is_known(context, told, own, target),
        only_removals=is_small,
    )
    wanted = pa.table({c.UNIFIED_ID: rows[c.UNIFIED_ID], c.CONTENT_HASH: pa.chunked_array([hash_rows(rows)])})
    plan = make_plan(own, attempts, wanted, rules, max_refusals=destination.max_refusals)
    return Prepared(destination, told, rows, plan)


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
        waiting = sum(it.status in OPEN for it in entries)
        return replace(prepared, delivery=_told(prepared, inputs, {"waiting": waiting}, ""))
    due = pa.array([it.unified_id for it in entries if it.status in OPEN], pa.string())
    values = prepared.rows.filter(pc.is_in(prepared.rows[c.UNIFIED_ID], value_set=due))
    by_id = {row.pop(c.UNIFIED_ID): row for row in values.to_pylist(maps_as_pydicts="strict")}
    rows = rows_to_send(entries, with_id(by_id, destination))
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

    sender = sender_of(destination, prepared.rows.schema)
    counts, problem = send_rows(rows, sender, record, chunk_rows=limits.DELIVERY_CHUNK_ROWS)
    settled = tuple(settle_all(it, attempts.get(it.key, ()), max_refusals=destination.max_refusals) for it in entries)
    after = replace(prepared, plan=replace(prepared.plan, entries=settled))
    return replace(after, delivery=_told(after, inputs, cast("Mapping[str, int]", counts), problem))


def with_id(by_id: dict[str, dict[str, object]], destination: AnyRowDestination) -> dict[str, dict[str, object]]:
    """Put the ID among the values of a destination whose columns name it."""
    if c.UNIFIED_ID not in destination.columns:
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


def tell_erased_rows(destination: AnyRowDestination, ids: Sequence[str], *, release: int) -> Delivery:
    """Tell a destination which profiles were erased, each with a key that is the same if it is told again."""
    if isinstance(destination, DrtDestination):
        return Delivery(destination.name, ERASED, "held", 0, 0, 0, location_of(destination), problem=NOT_TOLD)
    target = target_of(destination)
    rows = [
        Row(it, "erase", hash_key(target=target, unified_id=it, action="erase", release=str(release)))
        for it in sorted(ids)
    ]
    sender = sender_of(destination, pa.schema([]))
    counts, problem = send_rows(rows, sender, lambda _rows, _fates: None, chunk_rows=limits.DELIVERY_CHUNK_ROWS)
    told = Delivery(destination.name, ERASED, "delivered", counts["acknowledged"], 0, 0, location_of(destination))
    left = len(rows) - counts["acknowledged"]
    if left:
        return replace(told, status="failed", problem=problem or f"{left} erased profiles not acknowledged")
    return told


def sender_of(destination: OnlineDestination, schema: pa.Schema) -> Sender:
    """Make what sends to a destination; only now, as it needs the extra `activation`.

    Args:
        destination: its settings.
        schema: of its rows.
    """
    if isinstance(destination, WebhookDestination):
        from cdp_spark.activation.destinations.webhook import WebhookSender  # noqa: PLC0415 - an extra

        return WebhookSender.of(destination)
    if isinstance(destination, SlackDestination):
        from cdp_spark.activation.destinations.slack import SlackSender  # noqa: PLC0415 - an extra

        return SlackSender.of(destination)
    from cdp_spark.activation.destinations.postgres import PostgresSender, column_types  # noqa: PLC0415 - an extra

    return PostgresSender(destination, column_types({field.name: str(field.type) for field in schema}))


def location_of(destination: AnyRowDestination) -> str:
    """Where a destination is, as it is shown: a URL, with its table if it is a database's."""
    if isinstance(destination, PostgresDestination):
        place = f"{destination.url}#{destination.table}"
        template = f"{hide_secrets(destination.url)}#{destination.table}"
        return Secret(place, template) if isinstance(destination.url, Secret) else place
    return f"drt:{destination.to['type']}" if isinstance(destination, DrtDestination) else destination.url


def target_of(destination: AnyRowDestination) -> str:
    """Hash of where a destination is: what one place acknowledged says nothing of another."""
    place = str(hide_secrets(location_of(destination)))
    if isinstance(destination, DrtDestination):
        place = canonical_json(hide_secrets({name: it for name, it in destination.to.items() if _is_place(name)}))
    return hash_key(name=destination.name, kind=destination.kind, place=place)


def _is_place(name: str) -> bool:
    """Whether a setting of drt says where rows go, and not how."""
    return not name.endswith(("template", "retry", "rate_limit"))
