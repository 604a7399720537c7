"""What the engines share: their result, and how a loop cuts its lineage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from pyspark.sql import DataFrame

Materialise: TypeAlias = Callable[[DataFrame], DataFrame]
"""Computes a frame once and returns one with the same rows and no lineage, such as a write and a read."""


@dataclass(frozen=True)
class EngineResult:
    """What an engine found.

    Args:
        components: one row per vertex: record_key, component.
        dangling_edges: edges that were dropped because an end is null or no vertex.
    """

    components: DataFrame
    dangling_edges: int


def local_checkpoint(rows: DataFrame) -> DataFrame:
    """Materialise on the executors' disks and memory.

    Unlike `persist` it cuts the lineage, so that the plan of a loop stays small; unlike `checkpoint` it needs no
    directory and works on Spark Connect. The blocks have no replica: a lost executor fails the job, it never changes
    its result. Where executors come and go, pass a function that writes to the warehouse and reads back.
    """
    return rows.localCheckpoint(eager=True)
