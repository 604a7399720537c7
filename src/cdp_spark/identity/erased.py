"""The ids of people who were erased: closed for good, and what the log says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.identity.terms import CLOSED_STATUS, ERASED, ERASURE
from cdp_spark.tables.catalog import ID_CHANGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame


def build_erased_changes(erased: DataFrame, *, release: int) -> DataFrame:
    """List the records of erased people as changes of ids.

    Args:
        erased: record_key, entity_type, unified_id.
        release: that the erasure publishes.
    Returns: rows of `id_changes`, one per record.
    """
    values = {
        c.RELEASE: F.lit(release),
        c.PREVIOUS_ID: F.col(c.UNIFIED_ID),
        c.CHANGE: F.lit(ERASED),
        c.CAUSE: F.lit(ERASURE),
    }
    return ID_CHANGES.conform(erased.withColumns(values))


def with_closed_ids(id_registry: DataFrame, ids: Sequence[str], *, release: int) -> DataFrame:
    """Close ids because of an erasure; those that were merged into them lead to them as before.

    Args:
        id_registry: every id ever issued.
        ids: live ones.
        release: that the erasure publishes.
    Returns: the registry with the same ids.
    """
    values = {c.STATUS: F.lit(CLOSED_STATUS), c.CLOSED_RELEASE: F.lit(release), c.CAUSE: F.lit(ERASURE)}
    is_erased = F.col(c.UNIFIED_ID).isin(*ids)
    return id_registry.withColumns({name: F.when(is_erased, it).otherwise(F.col(name)) for name, it in values.items()})
