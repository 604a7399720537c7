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
GATHERED_ROWS = 100_000
"""Rows that one task works on in less time than a shuffle takes to plan and to start."""


@dataclass(frozen=True)
class Held:
    """A frame that is computed, and its size.

    Args:
        rows: as `keep` keeps them.
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

    def gather(self, rows: DataFrame) -> DataFrame:
        """Keep a frame with about as many rows as this one; few rows in one partition.

        Joins, windows and groups of frames in one partition need no shuffle: Spark runs them in one stage. What the
        rows are made from is still read by as many tasks as it has partitions.
        """
        return keep(rows.repartition(1)).coalesce(1) if self.count <= GATHERED_ROWS else keep(rows)


def keep(rows: DataFrame) -> DataFrame:
    """Have a frame computed once, when it is used first; in memory, then on disk, while something refers to it.

    A frame that is merely persisted is forgotten as soon as one of its tables is written, and then shows the new rows.
    This one stays as it is, and nothing before it is planned again; but a lost executor fails the run.
    """
    return rows.localCheckpoint(eager=False, storageLevel=StorageLevel.MEMORY_AND_DISK)


def hold(rows: DataFrame) -> Held:
    """Compute a frame, count it (an action), and gather its rows where they are few."""
    kept = keep(rows)
    count = kept.count()
    return Held(kept.coalesce(1) if count <= GATHERED_ROWS else kept, count)
