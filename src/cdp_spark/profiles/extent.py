"""Which profiles a run has to compute: all, or those that depend on what changed since the last release."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import CONSENTS, PROFILES, RECORDS, UNIFIED_IDS
from cdp_spark.tables.checkpoint import checkpoint_and_count, unite_distinct
from cdp_spark.tables.consents import build_contact_points
from cdp_spark.tables.increments.difference import find_changed_ids, has_between, read_changed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.run import Basis, RunContext
    from cdp_spark.tables.store import Store

_GRANTED = "granted"


def holds_for_profiles(context: RunContext, basis: Basis) -> bool:
    """Whether no record and no grant is dated after the earlier run: this one may believe it."""
    later = (basis.as_of + timedelta(microseconds=1), None)
    granted = {c.STATUS: pa.array([_GRANTED])}
    return not (
        has_between(context.store, RECORDS, c.OBSERVED_AT, later)
        or has_between(context.store, RECORDS, c.FIRST_SEEN_AT, later)
        or has_between(context.store, CONSENTS, c.GIVEN_AT, later, only=granted)
    )


def build_dated_records(store: Store, moment: datetime) -> DataFrame:
    """The records that say of themselves that they are of a later time."""
    later = [F.col(name) > F.lit(moment) for name in (c.OBSERVED_AT, c.FIRST_SEEN_AT)]
    return store.read(RECORDS).where(later[0] | later[1]).select(c.RECORD_KEY)


def build_dated_grants(store: Store, moment: datetime) -> DataFrame:
    """The contact points with a grant that is given at a later time; refusals count at once."""
    later = (F.col(c.GIVEN_AT) > F.lit(moment)) & (F.col(c.STATUS) == _GRANTED)
    return store.read(CONSENTS).where(later).select(c.CONTACT_POINT_HASH)


def find_affected(context: RunContext, basis: Basis, *, others: Iterable[str]) -> CountedFrame:
    """Find the profiles whose records, ids or consents changed, those that are gone included.

    Args:
        context: of the run.
        basis: the profiles of the last release.
        others: unified ids of which something else changed.
    Returns: one row per unified_id.
    """
    store = context.store
    changed = read_changed(context, RECORDS, key=(c.RECORD_KEY,))
    records = changed.unionByName(build_dated_records(store, basis.as_of))
    given = store.spark.createDataFrame([(it,) for it in others], f"{c.UNIFIED_ID} string")
    found = [find_changed_ids(context, records).rows, _of_consents(context, basis), given]
    return unite_distinct(found)


def _of_consents(context: RunContext, basis: Basis) -> DataFrame:
    """The profiles with a contact point of which the consents changed; others may have it, too."""
    store = context.store
    changed = read_changed(context, CONSENTS, key=(c.CONTACT_POINT_HASH,))
    points = unite_distinct([changed, build_dated_grants(store, basis.as_of)])
    profiles = context.read_released(PROFILES)
    if not points.count:
        return profiles.select(c.UNIFIED_ID).limit(0)
    bearers = build_contact_points(profiles).join(points.joinable, on=c.CONTACT_POINT_HASH, how="left_semi")
    return bearers.select(c.UNIFIED_ID)


def build_members(context: RunContext, affected: CountedFrame) -> CountedFrame:
    """The records of the affected profiles, as this run has them: rows of `unified_ids`."""
    return checkpoint_and_count(
        context.store.read(UNIFIED_IDS).join(affected.joinable, on=c.UNIFIED_ID, how="left_semi")
    )
