"""What each profile was, and when: slowly changing dimension of type 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog.gold import PROFILE_HISTORY, PROFILES
from cdp_spark.tables.hashing import content_hash_expr

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

NOT_CONTENT = (c.UNIFIED_ID, c.RECORD_COUNT, c.FIRST_SEEN_AT, c.LAST_SEEN_AT)
"""What may differ without a new span: every visit moves these, and nothing about the person has changed."""

_TODAY = "content_hash_today"
_BEFORE = "content_hash_before"


def build_profile_history(profiles: DataFrame, previous_history: DataFrame, *, as_of: datetime) -> DataFrame:
    """Carry the history on by one night.

    A profile whose content is as before keeps its row; a changed one closes its row at `as_of` and opens another; an
    id that is gone is closed; one that returns opens a new span. What the history says of `as_of` and later is written
    anew, so a night that runs again, whatever it published before, gives the same rows.

    Args:
        profiles: one row per unified_id, now.
        previous_history: spans, at most one open per unified_id.
        as_of: UTC; when tonight's spans begin.

    Returns:
        one row per unified_id and valid_from.
    """
    today = profiles.withColumn(c.CONTENT_HASH, _content_hash())
    before = _until(previous_history, as_of)
    still_open = before.where(c.IS_CURRENT)
    spans = [
        before.where(~F.col(c.IS_CURRENT)),
        _continued(still_open, today, as_of),
        _opened(still_open, today, as_of),
    ]
    conformed = [PROFILE_HISTORY.conform(span) for span in spans]
    return conformed[0].unionByName(conformed[1]).unionByName(conformed[2])


def _content_hash() -> Column:
    return content_hash_expr(field for field in PROFILES.schema if field.name not in NOT_CONTENT)


def _until(history: DataFrame, as_of: datetime) -> DataFrame:
    """The history as it stood just before a time: later spans are gone, later ends are open."""
    began = history.where(F.col(c.VALID_FROM) < F.lit(as_of))
    ended = F.coalesce(F.col(c.VALID_TO) < F.lit(as_of), F.lit(False))
    return began.withColumns({c.VALID_TO: F.when(ended, F.col(c.VALID_TO)), c.IS_CURRENT: ~ended})


def _continued(still_open: DataFrame, today: DataFrame, as_of: datetime) -> DataFrame:
    hashes = today.select(c.UNIFIED_ID, F.col(c.CONTENT_HASH).alias(_TODAY))
    unchanged = F.col(c.CONTENT_HASH).eqNullSafe(F.col(_TODAY))
    return still_open.join(hashes, on=c.UNIFIED_ID, how="left").withColumns(
        {c.VALID_TO: F.when(~unchanged, F.lit(as_of)), c.IS_CURRENT: unchanged}
    )


def _opened(still_open: DataFrame, today: DataFrame, as_of: datetime) -> DataFrame:
    hashes = still_open.select(c.UNIFIED_ID, F.col(c.CONTENT_HASH).alias(_BEFORE))
    fresh = today.join(hashes, on=c.UNIFIED_ID, how="left").where(~F.col(c.CONTENT_HASH).eqNullSafe(F.col(_BEFORE)))
    return fresh.withColumns(
        {c.VALID_FROM: F.lit(as_of), c.VALID_TO: F.lit(None).cast("timestamp"), c.IS_CURRENT: F.lit(True)}
    )
