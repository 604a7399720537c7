"""Frames that serve several times: computed once, counted, and joined in the way that their size asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BROADCAST_ROWS = 500_000
"""Keys that every task may hold; Spark's own limit of 10 MB would shuffle a large table for a few ten thousand."""


@dataclass(frozen=True)
class Held:
    """A materialised frame and its size; `release` it when it has served.

    Args:
        rows: in memory, then on disk.
        count: of them.
    """

    rows: DataFrame
    count: int

    @property
    def joinable(self) -> DataFrame:
        """The rows for the smaller side of a join: sent whole to every task where they are few.

        Where there are none the optimiser sees it, and leaves out what they are joined to.
        """
        if not self.count:
            return self.rows.limit(0)
        return F.broadcast(self.rows) if self.count <= BROADCAST_ROWS else self.rows

    def release(self) -> None:
        """Free what was held."""
        self.rows.unpersist()


def hold(rows: DataFrame) -> Held:
    """Materialise a frame (an action)."""
    kept = rows.persist(StorageLevel.MEMORY_AND_DISK)
    return Held(kept, kept.count())
