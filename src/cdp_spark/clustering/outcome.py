"""What clustering makes of an entity type, wherever it is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdp_spark.tables.rows import Rows


@dataclass(frozen=True)
class Outcome:
    """Tonight's clusters of an entity type.

    Args:
        why: in words, for the run's record: by which engine, and what they were made from.
        clusters: of all records of the type: record_key, component, cluster.
        cuts: record_key_l, record_key_r, weight_log2, reason, identifier_type.
        reclustered: record_key of those whose cluster has other members than in the last night; None for all.
    """

    why: str
    clusters: Rows
    cuts: Rows
    reclustered: Rows | None = None
