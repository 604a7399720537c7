"""Rows handed over to drt, and what became of them: `to_send` says what is open, `delivery_attempts` takes the fates.

1. `hand_over_rows` takes the open rows that the last activation planned. A row whose values have changed since, or
   whose consent was withdrawn, is left out until the next plan; one that is over its channel's cap or in quiet hours
   until a later export. drt's project is written, and the attempt recorded.
2. `take_results` records each row's fate, once for each run of drt. The next activation settles `to_send` by them, as
   it does after a run that was killed.

Neither writes `to_send`, so neither needs the warehouse's lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.activation.audiences.audience import REASON
from cdp_spark.activation.destinations.interface import Row
from cdp_spark.activation.drt.project import HandedRow, Mark, read_mark, write_project
from cdp_spark.activation.drt.results import name_run, read_results
from cdp_spark.activation.export import Delivery
from cdp_spark.activation.holds import find_hold
from cdp_spark.activation.ledger import OPEN, settle_all
from cdp_spark.activation.planning import entry_of, hash_rows
from cdp_spark.activation.sending.senders import location_of
from cdp_spark.activation.sending.waits import find_waits, zones_by_id
from cdp_spark.activation.stage import record_deliveries
from cdp_spark.activation.stage_rows import (
    attempts_table,
    due_of,
    fetch_attempts,
    fetch_audience,
    values_by_id,
    values_of,
)
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.tables.catalog import DELIVERY_ATTEMPTS, TO_SEND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from cdp_spark.activation.destinations.interface import Fate
    from cdp_spark.activation.drt.results import SentRow
    from cdp_spark.activation.ledger import Entry
    from cdp_spark.activation.sending.pacing import Due, Wait
    from cdp_spark.config.destination import DrtDestination
    from cdp_spark.tables.run import RunContext


@dataclass(frozen=True)
class Handed:
    """What was handed over to a destination.

    Args:
        destination: its name.
        rows: that drt is to send.
        left_out: how many open rows are not among them.
    """

    destination: str
    rows: tuple[HandedRow, ...]
    left_out: int


@dataclass(frozen=True)
class _Opened:
    """What is open at a destination.

    Args:
        destination: its settings.
        entries: of the ledger, which are to be sent.
        wanted: content hash and values of each row that it is to have, by unified_id.
        due: what counts for the channel's cap and quiet hours.
    """

    destination: DrtDestination
    entries: tuple[Entry, ...]
    wanted: dict[str, tuple[str, dict[str, object]]]
    due: Due


def hand_over_rows(context: RunContext, destinations: Sequence[DrtDestination], folder: Path) -> list[Handed]:
    """Write drt's project with all open rows, and record the attempt.

    Args:
        context: of the newest release; its run names the export.
        destinations: that are exported.
        folder: of the project.

    Raises:
        ConfigError: the folder holds something else.
        StateError: something holds a destination (`find_hold`).
    """
    for destination in destinations:
        _check_hold(context, destination)
    opened = [_find_open(context, it) for it in destinations]
    waits = find_waits(context, [it.due for it in opened], now=datetime.now(UTC))
    handed = [_handed(it, waits[it.destination.name]) for it in opened]
    mark = Mark(context.ordinal, context.run_id, tuple(it.name for it in destinations))
    write_project(folder, mark, {it.name: it for it in destinations}, {it.destination: it.rows for it in handed})
    for it in handed:
        _record(context, it.destination, [(row.row, row.attempt) for row in it.rows], None, step="sending")
    return handed


def take_results(context: RunContext, folder: Path) -> list[tuple[str, list[SentRow]]]:
    """Record what became of the rows of a project, and return it by destination.

    Raises:
        ConfigError: the project has a destination that `destinations.yaml` lacks.
        DataError: drt has not run in the folder.
    """
    mark = read_mark(folder)
    by_name = {it.name: it for it in context.project.destinations.of_drt}
    unknown = [name for name in mark.destinations if name not in by_name]
    if unknown:
        raise ConfigError(
            str(folder), got=f"rows of {', '.join(unknown)}", allowed=", ".join(by_name) or "no destination"
        )
    run = name_run(folder)
    told, deliveries = [], []
    for name in mark.destinations:
        destination = by_name[name]
        renamed = destination.sync.get("field_mappings") or {}
        rows = read_results(folder, name, renamed=renamed, replaces=destination.replaces)
        judged = [it for it in rows if it.fate is not None]
        sent = [(Row(it.unified_id, it.action, it.key), it.attempt) for it in judged]  # type: ignore[arg-type] # as written
        _record(context, name, sent, [it.fate for it in judged], step=run)
        told.append((name, rows))
        if judged:
            deliveries.append(_delivery(destination, rows))
    record_deliveries(context, deliveries, again="cdp activation export")
    return told


def _check_hold(context: RunContext, destination: DrtDestination) -> None:
    if reason := find_hold(context, destination):
        raise StateError(f"destination {destination.name}", said=f"held, {reason}.")


def _find_open(context: RunContext, destination: DrtDestination) -> _Opened:
    """The rows that the last activation left open, by what was recorded since."""
    state = context.store.fetch(TO_SEND)
    attempts = fetch_attempts(context, state)
    own = state.filter(pc.equal(state[c.DESTINATION], destination.name)).to_pylist()
    entries = [entry_of(row) for row in own]
    settled = [settle_all(it, attempts.get(it.key, ()), max_refusals=destination.max_refusals) for it in entries]
    due = tuple(it for it in settled if it.status in OPEN or (destination.replaces and it.sent_hash is not None))
    audience = fetch_audience(context, destination)
    allowed = audience.filter(pc.is_null(audience[REASON]))
    is_kept_back = destination.out_of_bounds(allowed.num_rows) is not None and not destination.replaces
    wanted = {} if is_kept_back else _wanted(values_of(allowed), destination)
    zones = zones_by_id(allowed, context.project.settings.time_zone)
    going = [it for it in due if it.action == "remove" or it.unified_id in wanted]
    return _Opened(destination, due, wanted, due_of(destination, going, zones))


def _handed(opened: _Opened, waits: Mapping[str, Wait]) -> Handed:
    going = [it for it in opened.entries if it.unified_id not in waits]
    found = [row for it in going if (row := _row(it, opened.wanted, opened.destination)) is not None]
    return Handed(opened.destination.name, tuple(found), len(opened.entries) - len(found))


def _wanted(rows: pa.Table, destination: DrtDestination) -> dict[str, tuple[str, dict[str, object]]]:
    """Content hash and values of each row that the destination is to have, by unified_id."""
    hashes = hash_rows(rows).to_pylist()
    values = values_by_id(rows, destination)
    return {unified_id: (content, row) for (unified_id, row), content in zip(values.items(), hashes, strict=True)}


def _row(
    entry: Entry, wanted: dict[str, tuple[str, dict[str, object]]], destination: DrtDestination
) -> HandedRow | None:
    """The row of an entry; None where it is not to be sent now."""
    if entry.action == "remove":
        is_told = destination.left is not None or destination.replaces
        return HandedRow(Row(entry.unified_id, "remove", entry.key), entry.tries + 1) if is_told else None
    content, values = wanted.get(entry.unified_id, ("", {}))
    if content != (entry.content_hash or entry.sent_hash):
        return None
    return HandedRow(Row(entry.unified_id, entry.action or "update", entry.key, values), entry.tries + 1)


def _record(
    context: RunContext,
    destination: str,
    sent: Sequence[tuple[Row, int]],
    fates: Sequence[Fate | None] | None,
    *,
    step: str,
) -> None:
    """Append attempts; a second time with the same step changes nothing."""
    if sent:
        rows, numbers = [row for row, _ in sent], {row.key: number for row, number in sent}
        lines = attempts_table(context, destination, rows, fates or [None] * len(rows), numbers)
        application = f"{context.application('activation', DELIVERY_ATTEMPTS)}:{destination}:{step}"
        context.store.append(DELIVERY_ATTEMPTS, lines, application=application)


def _delivery(destination: DrtDestination, rows: Sequence[SentRow]) -> Delivery:
    statuses = [it.fate.status if it.fate else "ready" for it in rows]
    counts = {status: statuses.count(status) for status in dict.fromkeys(statuses)}
    taken = counts.get("acknowledged", 0)
    place = location_of(destination)
    return Delivery(destination.name, destination.label, "delivered", taken, place, counts=counts)
