"""Where an id that was once issued went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.identity.terms import MERGED_STATUS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

_FURTHER = "further"


def resolve_ids(id_registry: DataFrame) -> DataFrame:
    """Follow merges to their end.

    A merge points to an id that was live then and so ended later, if at all: there are no rings. Each round doubles
    the steps taken, so that chains of a thousand merges need ten.

    Returns:
        one row per id ever issued: `resolved_id` is the id that answers for it, `resolved_status` live or closed.
    """
    steps = id_registry.select(c.UNIFIED_ID, c.MERGED_INTO)
    merged = steps.where(F.col(c.MERGED_INTO).isNotNull()).localCheckpoint()
    while not (further := _two_steps(merged)).where(_FURTHER).isEmpty():
        merged = further.drop(_FURTHER).localCheckpoint()
    ends = id_registry.select(F.col(c.UNIFIED_ID).alias(c.RESOLVED_ID), F.col(c.STATUS).alias(c.RESOLVED_STATUS))
    return (
        id_registry.select(c.UNIFIED_ID)
        .join(merged, on=c.UNIFIED_ID, how="left")
        .select(c.UNIFIED_ID, F.coalesce(c.MERGED_INTO, c.UNIFIED_ID).alias(c.RESOLVED_ID))
        .join(ends, on=c.RESOLVED_ID, how="inner")
        .select(c.UNIFIED_ID, c.RESOLVED_ID, c.RESOLVED_STATUS)
    )


def _two_steps(merged: DataFrame) -> DataFrame:
    following = merged.select(F.col(c.UNIFIED_ID).alias(c.MERGED_INTO), F.col(c.MERGED_INTO).alias("next"))
    return merged.join(following, on=c.MERGED_INTO, how="left").select(
        c.UNIFIED_ID,
        F.coalesce("next", c.MERGED_INTO).alias(c.MERGED_INTO),
        F.col("next").isNotNull().alias(_FURTHER),
    )


@dataclass(frozen=True)
class ResolvedId:
    """Where an id went.

    Args:
        unified_id: that was asked for.
        path: the ids from it to the one that answers for it; one id where it was never merged.
        status: of the last id: live or closed.
        cause: of the last birth or end of the id that was asked for.
    """

    unified_id: str
    path: tuple[str, ...]
    status: str
    cause: str

    @property
    def resolved_id(self) -> str:
        """The id that answers for it."""
        return self.path[-1]


def resolve_id(id_registry: DataFrame, unified_id: str) -> ResolvedId:
    """Follow one id's merges to their end, one look-up a step.

    Raises:
        StateError: the id was never issued.
    """
    row = _registered(id_registry, unified_id)
    path, cause = [unified_id], row[c.CAUSE]
    while row[c.STATUS] == MERGED_STATUS:
        path.append(row[c.MERGED_INTO])
        row = _registered(id_registry, row[c.MERGED_INTO])
    return ResolvedId(unified_id=unified_id, path=tuple(path), status=row[c.STATUS], cause=cause)


def _registered(id_registry: DataFrame, unified_id: str) -> Row:
    rows = id_registry.where(F.col(c.UNIFIED_ID) == unified_id).take(1)
    if not rows:
        raise StateError(f"id {unified_id}", got="an id that was never issued", fix="look for the record's key instead")
    return rows[0]
