"""Recognise rows that say what happened: a time, a kind of event or an order's number, and somebody's identifier."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cdp_spark.normalise.amounts import read_amount
from cdp_spark.standalone.describing import roles
from cdp_spark.standalone.describing.sample import Proposal

if TYPE_CHECKING:
    from cdp_spark.config.mapping import IdentifierType
    from cdp_spark.standalone.describing.sample import Sample

_LEVELS = 60
"""Kinds of events that a column may have."""
_READ = 0.9
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def propose_events(sample: Sample, *, is_of_people: bool) -> Proposal | None:
    """Propose a source of events; None where the rows are none.

    Args:
        sample: the first rows.
        is_of_people: they name people; then only an order's number makes them events.
    """
    names = sample.rows.column_names
    kind = _event_type(sample)
    orders = roles.matching(roles.EVENT_ID, names)
    is_purchase = bool(orders) and bool(roles.matching(roles.OF_A_PURCHASE, names))
    time = _time(sample)
    identifiers = _identifiers(sample)
    if time is None or not identifiers or not (is_purchase or (kind is not None and not is_of_people)):
        return None
    unsure = []
    fields: dict[str, Any] = {"event_type": kind or {"value": "purchase"}, "occurred_at": sample.time_field(time)}
    if kind is None:
        unsure.append("event_type: no column says what happened; every row is taken for a purchase.")
    if len(sample.times) > 1:
        others = ", ".join(name for name in sample.times if name != time)
        unsure.append(f"occurred_at: {time} was chosen; other times are {others}.")
    if sample.times[time].is_open:
        unsure.append(f"occurred_at: {time} may be day/month or month/day; check `formats`.")
    identity, doubt = _event_id(sample, orders)
    if identity:
        fields["event_id"] = identity
    is_line = bool(orders) and identity != orders[0]
    if is_line:
        fields["order_id"] = orders[0]
    fields |= _worth(sample, is_line=is_line)
    if is_line and (total := fields.get("value")) is not None and _is_of_order(sample, orders[0], total):
        doubt.append(
            f"value: {total} is the same on all rows of an order. If it is the order's total, name the line's value or "
            "price instead: the rows are added up."
        )
    fields["identifiers"] = identifiers
    comments = {
        "events.event_type": "a column, or a constant: {value: purchase}",
        "events.event_id": "what identifies the event; delivered twice, it is one",
        "events.order_id": "rows of one order are one purchase",
        "events.identifiers": "type: column; these lead to the person",
        "events.price": "of one piece; times quantity",
    }
    numbers = {it: frozenset(sample.values(it)) for kind, it in identifiers.items() if kind == "user_id"}
    return Proposal("", {"events": fields}, comments, unsure=(*unsure, *doubt), numbers=numbers)


def _event_type(sample: Sample) -> str | None:
    found = roles.matching(roles.EVENT_TYPE, sample.rows.column_names)
    return next((it for it in found if len(set(sample.values(it))) <= _LEVELS), None)


def _time(sample: Sample) -> str | None:
    found = [*roles.matching(roles.OCCURRED, sample.times), *sample.times]
    return found[0] if found else None


def _worth(sample: Sample, *, is_line: bool) -> dict[str, str]:
    """What events are worth and of what; where each is a line of an order, its price comes before the order's total."""
    found: dict[str, str] = {}
    for name, pattern in roles.OF_EVENTS:
        columns = roles.matching(pattern, sample.rows.column_names)
        column = next((it for it in columns if name not in roles.NUMBERS or _is_number(sample.values(it))), None)
        if column is not None:
            found[name] = column
    if {"value", "price"} <= found.keys():
        del found["value" if is_line else "price"]
    return found


def _is_number(texts: list[str]) -> bool:
    read = sum(read_amount(text, None).reason is None for text in texts)
    return bool(texts) and read >= _READ * len(texts)


def _identifiers(sample: Sample) -> dict[IdentifierType, str]:
    found: dict[IdentifierType, str] = {}
    for column in sample.rows.column_names:
        values = sample.values(column)
        if values and all(_SHA256.fullmatch(text) for text in values):
            found.setdefault("email_sha256", column)
        elif (kind := roles.identifier_of(column)) is not None and values:
            found.setdefault(kind, column)
    for contact in ("email", "phone"):
        for column in sample.columns_of(contact):
            found.setdefault(contact, column)
    return found


def _event_id(sample: Sample, orders: list[str]) -> tuple[Any, list[str]]:
    """The columns that identify an event: the order's number, with the line's where a number stands on several rows."""
    if not orders:
        return None, []
    order, values = orders[0], sample.values(orders[0])
    if len(set(values)) == len(values):
        return order, []
    line = next(iter(roles.matching(roles.LINE, sample.rows.column_names)), None)
    repeated = len(values) - len(set(values))
    if line is None:
        return None, [
            f"event_id: {order} is repeated on {repeated:,} rows, and no column numbers an order's lines; rows that "
            "are the same in all columns count once."
        ]
    return [order, line], []


def _is_of_order(sample: Sample, order: str, column: str) -> bool:
    """Whether a column is the same on all rows of each order."""
    pairs = zip(*(sample.rows[name].to_pylist() for name in (order, column)), strict=True)
    of_orders = {pair for pair in pairs if pair[0] is not None}
    return len(of_orders) == len({number for number, _ in of_orders})
