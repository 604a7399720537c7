"""Which ids the rows of the last release belong to now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.experiments.rows import (
    ASSIGNMENTS,
    CLAIM,
    CLAIMED_BY,
    CLAIMS,
    CLOSED,
    HEIR,
    MERGED,
    OWN,
    PART,
    Assignment,
    rows_of,
    table_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdp_spark.id_moves import IdMoves


def follow_ids(rows: pa.Table, moves: IdMoves) -> pa.Table:
    """Give each row to the ids that claim it now.

    Args:
        rows: of `experiment_assignments`.
        moves: of ids.
    Returns: the rows with `claimed_by` and `claim`; once more for each id that was merged into or split off, and with
        null for an id that ended.
    """
    rows = rows.select(ASSIGNMENTS.names).cast(ASSIGNMENTS)
    moved = pa.array(sorted({*moves.merged, *moves.closed, *moves.parts}), pa.string())
    is_moved = pc.is_in(rows[c.UNIFIED_ID], value_set=moved)
    still = rows.filter(pc.invert(is_moved))
    owned = still.append_column(CLAIMED_BY, still[c.UNIFIED_ID])
    owned = owned.append_column(CLAIM, pa.repeat(pa.scalar(OWN), still.num_rows))
    others = [claim for row in rows_of(rows.filter(is_moved)) for claim in _claims(row, moves)]
    return pa.concat_tables([owned.cast(CLAIMS), table_of(others, CLAIMS)])


def _claims(row: Assignment, moves: IdMoves) -> Iterator[tuple[Any, ...]]:
    own, now = row.unified_id, moves.now(row.unified_id)
    if now == own:
        yield (*row, own, OWN)
    else:
        yield (*row, None, MERGED if now else CLOSED)
        if now:
            yield (*row, now, HEIR)
    yield from ((*row, heir, PART) for heir in moves.parts_since(own, row.release))
