"""Which ids the rows of the last release belong to now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
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
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True)
class IdMoves:
    """What became of ids.

    Args:
        merged: id that is no longer to the one that it was merged into.
        closed: ids that ended.
        parts: id to those that were split from it, each with the release that made it.
    """

    merged: Mapping[str, str]
    closed: frozenset[str]
    parts: Mapping[str, Sequence[tuple[str, int]]]

    def now(self, unified_id: str) -> str | None:
        """The id that an id's person bears now; None where it ended."""
        seen = {unified_id}
        while (heir := self.merged.get(unified_id)) is not None and heir not in seen:
            seen.add(unified_id := heir)
        return None if unified_id in self.closed else unified_id


def read_moves(registry: pa.Table) -> IdMoves:
    """Read what became of ids.

    Args:
        registry: rows of `id_registry`, at least of ids that are not live or were split off.
    """
    merged: dict[str, str] = {}
    closed: set[str] = set()
    parts: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    names = (c.UNIFIED_ID, c.STATUS, c.MERGED_INTO, c.SPLIT_FROM, c.CREATED_RELEASE)
    for unified_id, status, heir, origin, created in zip(*(registry[it].to_pylist() for it in names), strict=True):
        if status == "merged":
            merged[unified_id] = heir
        elif status == "closed":
            closed.add(unified_id)
        if origin is not None:
            parts[origin].append((unified_id, created))
    return IdMoves(merged, frozenset(closed), parts)


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
    for part, created in moves.parts.get(own, ()):
        heir = moves.now(part)
        if created > row.release and heir not in (None, now):
            yield (*row, heir, PART)
