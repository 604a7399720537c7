"""What became of unified ids: which id an id's person bears now, by the merges and splits of `id_registry`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

MOVE_COLUMNS = (c.UNIFIED_ID, c.STATUS, c.MERGED_INTO, c.SPLIT_FROM, c.CREATED_RELEASE)
"""What `read_moves` reads of `id_registry`."""


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

    def parts_since(self, unified_id: str, release: int) -> Iterator[str]:
        """The ids that those bear now who were split from an id after a release."""
        now = self.now(unified_id)
        for part, created in self.parts.get(unified_id, ()):
            heir = self.now(part)
            if created > release and heir is not None and heir != now:
                yield heir


def read_moves(registry: pa.Table) -> IdMoves:
    """Read what became of ids.

    Args:
        registry: rows of `id_registry`, at least of ids that are not live or were split off.
    """
    merged: dict[str, str] = {}
    closed: set[str] = set()
    parts: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for unified_id, status, heir, origin, created in zip(
        *(registry[it].to_pylist() for it in MOVE_COLUMNS), strict=True
    ):
        if status == "merged":
            merged[unified_id] = heir
        elif status == "closed":
            closed.add(unified_id)
        if origin is not None:
            parts[origin].append((unified_id, created))
    return IdMoves(merged, frozenset(closed), parts)
