"""Moves of record keys between two runs: found in the tables, applied to the last release's ids, and told.

The last release's ids are read under the new keys, so that all rules of identity see the records as the same; then each
move is two rows of `id_changes`: the old key was removed and the new one bears the id, both for the cause `moved_key`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.identity.moved_keys import COLUMNS, Move, find_moves
from cdp_spark.identity.terms import MOVED, MOVED_KEY, REMOVED, VISITOR
from cdp_spark.tables.catalog import RECORDS
from cdp_spark.tables.rows import rows_without

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.tables.run import RunContext

MAX_MOVES = 1_000_000
"""Records that left, and that came, of which the driver compares names and contacts; about 1 kB each."""

_Row = tuple[int, str, str, str, str, str, str]


def find_key_moves(context: RunContext, unified_ids: pa.Table, clusters: pa.Table) -> list[Move]:
    """Find the records that only have a new key since the last release.

    Args:
        context: of the run.
        unified_ids: of the last release, of all records: record_key, entity_type.
        clusters: of this run, of all records: record_key, entity_type.
    """
    before, now = (rows.filter(pc.field(c.ENTITY_TYPE) != VISITOR) for rows in (unified_ids, clusters))
    left, came = (
        rows_without(rows, c.RECORD_KEY, other[c.RECORD_KEY].combine_chunks())[c.RECORD_KEY].unique()
        for rows, other in ((before, now), (now, before))
    )
    version = context.last.versions.get(RECORDS.name) if context.last else None
    if version is None or not len(left) or not len(came) or max(len(left), len(came)) > MAX_MOVES:
        return []
    old = context.store.fetch(RECORDS, COLUMNS, only={c.RECORD_KEY: left}, version=version)
    new = context.store.fetch(RECORDS, COLUMNS, only={c.RECORD_KEY: came})
    return find_moves(old.to_pylist(), new.to_pylist())


def with_new_keys(unified_ids: pa.Table, moves: Sequence[Move]) -> pa.Table:
    """Put the new key of each moved record in the place of its old one."""
    if not moves:
        return unified_ids
    old, new = (pa.array([move[at] for move in moves], pa.string()) for at in (1, 2))
    keys = unified_ids[c.RECORD_KEY]
    renamed = pc.coalesce(new.take(pc.index_in(keys, value_set=old)), keys)
    return unified_ids.set_column(unified_ids.column_names.index(c.RECORD_KEY), c.RECORD_KEY, renamed)


def tell_moves(moves: Sequence[Move], unified_ids: pa.Table, *, release: int) -> list[_Row]:
    """List the rows of `id_changes` that tell of moves.

    Args:
        moves: of this run.
        unified_ids: of the last release, under the old keys.
        release: that this run publishes.
    """
    old = pa.array([move.old_key for move in moves], pa.string())
    place = pc.index_in(old, value_set=unified_ids[c.RECORD_KEY].combine_chunks())
    ids = unified_ids[c.UNIFIED_ID].take(place).to_pylist()
    rows: list[_Row] = []
    for (kind, old_key, new_key), held in zip(moves, ids, strict=True):
        rows.append((release, old_key, held, kind, held, REMOVED, MOVED_KEY))
        rows.append((release, new_key, held, kind, held, MOVED, MOVED_KEY))
    return rows
