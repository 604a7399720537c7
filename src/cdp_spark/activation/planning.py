"""What a destination of rows is to be sent, from its part of `to_send` and the rows that it is to have.

Rows that the destination has as they are wanted, mostly nearly all, are told apart by comparing columns; only the
others become entries of the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.activation.destinations.interface import json_value
from cdp_spark.activation.ledger import Attempt, Entry, decide, settle_all
from cdp_spark.normalise.hashing import KEY_LENGTH, canonical_json, sha256

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from cdp_spark.activation.ledger import Rules

_FIELDS = tuple(field.name for field in fields(Entry))


@dataclass(frozen=True)
class Plan:
    """What is to be done at a destination.

    Args:
        settled: rows of `to_send` that stay as they are.
        entries: the others.
        is_changed: whether an entry is other than `to_send` has it.
    """

    settled: pa.Table
    entries: tuple[Entry, ...]
    is_changed: bool


def hash_rows(rows: pa.Table) -> pa.Array:
    """Hash the values of each row, empty ones left out; the column unified_id is the key, not a value."""
    values = rows.drop_columns([c.UNIFIED_ID]).to_pylist(maps_as_pydicts="strict")
    return pa.array([_hash(row) for row in values], pa.string())


def _hash(row: Mapping[str, Any]) -> str:
    written = {name: json_value(value) for name, value in row.items() if value is not None}
    return sha256(canonical_json(written))[:KEY_LENGTH]


def make_plan(
    state: pa.Table, attempts: Mapping[str, Sequence[Attempt]], wanted: pa.Table, rules: Rules, *, max_refusals: int
) -> Plan:
    """Decide about every row of a destination.

    Args:
        state: the destination's rows of `to_send`.
        attempts: recorded, by idempotency key.
        wanted: one row per profile that the destination is to have, with unified_id and content_hash.
        rules: of the destination.
        max_refusals: after which a row is dead.
    """
    is_settled = _find_settled(state, wanted, rules)
    wanted_hashes = dict(zip(wanted[c.UNIFIED_ID].to_pylist(), wanted[c.CONTENT_HASH].to_pylist(), strict=True))
    known = [entry_of(row) for row in state.filter(pc.invert(is_settled)).to_pylist()]
    news = pc.invert(pc.is_in(wanted[c.UNIFIED_ID], value_set=state[c.UNIFIED_ID].combine_chunks()))
    added = [Entry(it, rules.target) for it in wanted[c.UNIFIED_ID].filter(news).to_pylist()]
    found = [settle_all(it, attempts.get(it.key, ()), max_refusals=max_refusals) for it in known]
    decided = tuple(decide(it, wanted_hashes.get(it.unified_id), rules) for it in (*found, *added))
    return Plan(state.filter(is_settled), decided, is_changed=decided != tuple(known))


def _find_settled(state: pa.Table, wanted: pa.Table, rules: Rules) -> pa.ChunkedArray:
    """Which rows are acknowledged, certain, and have just what is wanted."""
    place = pc.index_in(state[c.UNIFIED_ID], value_set=wanted[c.UNIFIED_ID].combine_chunks())
    is_absent = pc.and_(pc.is_null(place), pc.is_null(state[c.SENT_HASH]))
    if rules.mode == "full":
        is_right = is_absent
    else:
        wanted_hash = wanted[c.CONTENT_HASH].combine_chunks().take(place.combine_chunks())
        is_same = pc.fill_null(pc.equal(state[c.SENT_HASH], wanted_hash), fill_value=False)
        is_right = pc.or_(is_same, is_absent)
    is_quiet = pc.and_(pc.equal(state[c.STATUS], "acknowledged"), state[c.IS_CERTAIN])
    return pc.and_(pc.and_(is_quiet, pc.equal(state[c.TARGET], rules.target)), is_right)


def warn_of_left_rows(state: pa.Table, configured: Collection[str]) -> Iterator[str]:
    """Tell of destinations that are configured no more, or by another name, and still have rows: a sentence each.

    Args:
        state: `to_send`.
        configured: names of the destinations.
    """
    there = state.filter(pc.is_valid(state[c.SENT_HASH]))[c.DESTINATION].value_counts().to_pylist()
    for it in sorted(there, key=lambda it: str(it["values"])):
        if it["values"] not in configured:
            yield (
                f"destination {it['values']} is not configured, and keeps {it['counts']:,} rows that it was sent: "
                "docs/activation.md says how they are taken back"
            )


def entry_of(row: Mapping[str, Any]) -> Entry:
    """Read an entry from a row of `to_send`."""
    return Entry(**{name: row[name] for name in _FIELDS})


def rows_of(destination: str, entries: Sequence[Entry], columns: Sequence[str]) -> list[list[object]]:
    """Write entries as rows of `to_send`, with its columns in their order."""
    return [
        [{**vars(it), c.DESTINATION: destination, c.IDEMPOTENCY_KEY: it.key}[name] for name in columns]
        for it in entries
    ]
