"""What two releases say differently about ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.runs.releases import current_release, find_release, read_releases, release_of
from cdp_spark.tables.catalog import ID_CHANGES, UNIFIED_IDS
from cdp_spark.tables.checkpoint import cached_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame, Row

    from cdp_spark.tables.store import Store

UNCHANGED, MOVED, MERGED, SPLIT = "unchanged", "moved", "merged", "split"
CREATED, REMOVED, CLOSED, CHANGED = "created", "removed", "closed", "changed"
RECORD_CHANGES = (UNCHANGED, MOVED, MERGED, SPLIT, CREATED, REMOVED)
ID_KINDS = (UNCHANGED, CHANGED, MERGED, SPLIT, CREATED, CLOSED)
ROLLBACK = "rollback"
"""The cause of changes that a rollback made."""

_EXAMPLES = 5
_BEFORE, _NOW, _SAME = "in_before", "in_now", "is_same"


@dataclass(frozen=True)
class IdDiff:
    """How ids differ from others.

    Args:
        records: records by change.
        ids: ids by change.
        examples: up to five records of each change but `unchanged`: record_key, previous_id, unified_id.
    """

    records: Mapping[str, int]
    ids: Mapping[str, int]
    examples: Mapping[str, tuple[dict[str, str | None], ...]]


@dataclass(frozen=True)
class ReleaseDiff(IdDiff):
    """How one release's ids differ from another's.

    Args:
        before: number of the one.
        now: number of the other.
    """

    before: int
    now: int


def compare_releases(store: Store, before: int, now: int) -> ReleaseDiff:
    """Compare the ids of two releases, in either order.

    Raises:
        StateError: one of them was never published, or an erasure expired it.
    """
    releases = [find_release(store, number) for number in (before, now)]
    found = compare_ids(*[release.read(store, UNIFIED_IDS) for release in releases])
    return ReleaseDiff(found.records, found.ids, found.examples, before, now)


def compare_ids(before: DataFrame, now: DataFrame) -> IdDiff:
    """Compare `unified_ids` with others, record by record and id by id (an action)."""
    with cached_frame(build_record_changes(before, now)) as changes:
        records = changes.groupBy(c.CHANGE).count().collect()
        ids = build_id_kinds(changes).groupBy(c.CHANGE).count().collect()
        examples = _examples(changes)
    return IdDiff(_counts(records, RECORD_CHANGES), _counts(ids, ID_KINDS), examples)


def build_record_changes(before: DataFrame, now: DataFrame) -> DataFrame:
    """Say for each record of two releases what became of its id.

    An id that only the earlier release has was merged where a record of it went to another id; one that only the later
    has was split off where it took records over. A record that moved went from one to another id of both releases.

    Args:
        before: `unified_ids` of the one release.
        now: of the other.

    Returns:
        one row per (record_key, entity_type): previous_id, unified_id, change.
    """
    key = [c.RECORD_KEY, c.ENTITY_TYPE]
    old = before.select(*key, F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    both = old.join(now.select(*key, c.UNIFIED_ID), on=key, how="full_outer")
    stayed = now.select(F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID)).distinct().withColumn(_NOW, F.lit(True))
    known = before.select(c.UNIFIED_ID).distinct().withColumn(_BEFORE, F.lit(True))
    marked = both.join(stayed, on=c.PREVIOUS_ID, how="left").join(known, on=c.UNIFIED_ID, how="left")
    return marked.select(*key, c.PREVIOUS_ID, c.UNIFIED_ID, _change_expr().alias(c.CHANGE))


def _change_expr() -> Column:
    return (
        F.when(F.col(c.PREVIOUS_ID).isNull(), CREATED)
        .when(F.col(c.UNIFIED_ID).isNull(), REMOVED)
        .when(F.col(c.PREVIOUS_ID) == F.col(c.UNIFIED_ID), UNCHANGED)
        .when(F.col(_BEFORE).isNull(), SPLIT)
        .when(F.col(_NOW).isNull(), MERGED)
        .otherwise(MOVED)
    )


def build_id_kinds(record_changes: DataFrame) -> DataFrame:
    """Say for each id of two releases what became of it.

    Args:
        record_changes: from `build_record_changes`.

    Returns:
        one row per id: unchanged (the same records), changed (others), merged, split, created or closed.
    """
    same = F.col(c.CHANGE) == UNCHANGED
    lost = record_changes.where(F.col(c.PREVIOUS_ID).isNotNull()).select(
        F.col(c.PREVIOUS_ID).alias(c.UNIFIED_ID), F.lit(True).alias(_BEFORE), F.lit(False).alias(_NOW), *_facts(same)
    )
    won = record_changes.where(F.col(c.UNIFIED_ID).isNotNull()).select(
        c.UNIFIED_ID, F.lit(False).alias(_BEFORE), F.lit(True).alias(_NOW), *_facts(same)
    )
    flags = (
        lost.unionByName(won)
        .groupBy(c.UNIFIED_ID)
        .agg(
            F.bool_or(_BEFORE).alias(_BEFORE),
            F.bool_or(_NOW).alias(_NOW),
            F.bool_and(_SAME).alias(_SAME),
            F.bool_or(_passed_on()).alias("passed_on"),
        )
    )
    kind = (
        F.when(F.col(_BEFORE) & F.col(_NOW), F.when(F.col(_SAME), UNCHANGED).otherwise(CHANGED))
        .when(F.col(_BEFORE), F.when(F.col("passed_on"), MERGED).otherwise(CLOSED))
        .otherwise(F.when(F.col("passed_on"), SPLIT).otherwise(CREATED))
    )
    return flags.select(c.UNIFIED_ID, kind.alias(c.CHANGE))


def _facts(same: Column) -> tuple[Column, Column]:
    return same.alias(_SAME), F.col(c.CHANGE)


def _passed_on() -> Column:
    return ~F.col(c.CHANGE).isin(CREATED, REMOVED)


def _examples(changes: DataFrame) -> dict[str, tuple[dict[str, str | None], ...]]:
    found: dict[str, tuple[dict[str, str | None], ...]] = {}
    for change in RECORD_CHANGES[1:]:
        some = changes.where(F.col(c.CHANGE) == change).select(c.RECORD_KEY, c.PREVIOUS_ID, c.UNIFIED_ID)
        rows = some.orderBy(c.RECORD_KEY).limit(_EXAMPLES).collect()
        found |= {change: tuple(row.asDict() for row in rows)} if rows else {}
    return found


def _counts(rows: list[Row], kinds: tuple[str, ...]) -> dict[str, int]:
    found = {row[c.CHANGE]: int(row["count"]) for row in rows}
    return {kind: found.get(kind, 0) for kind in kinds}


def read_changes(store: Store, *, since: int) -> DataFrame:
    """The changes of ids that lead from a release to the one that readers see.

    Where a rollback lies between, the log of the restored release does not know what it undid: then the two releases
    are compared, and the cause of every change is `rollback`.

    Args:
        store: the warehouse.
        since: number of the release that the reader has; 0 for one who has none.

    Returns:
        rows of `id_changes`, in order of release and record.

    Raises:
        StateError: nothing was published, no such release, or a rollback lies behind one that an erasure expired.
    """
    current, releases = current_release(store), read_releases(store)
    undone = any(it.restored is not None and it.number > since for it in releases)
    known = release_of(since, releases) if since else None
    if known is None or not undone:
        log = current.read(store, ID_CHANGES)
        return log.where(F.col(c.RELEASE) > since).orderBy(c.RELEASE, c.RECORD_KEY, c.UNIFIED_ID)
    known.check_published()
    changes = build_record_changes(known.read(store, UNIFIED_IDS), current.read(store, UNIFIED_IDS))
    told = changes.where(F.col(c.CHANGE) != UNCHANGED).withColumns(
        {
            c.RELEASE: F.lit(current.number).cast("long"),
            c.UNIFIED_ID: F.coalesce(c.UNIFIED_ID, c.PREVIOUS_ID),
            c.CAUSE: F.lit(ROLLBACK),
        }
    )
    return ID_CHANGES.conform(told).orderBy(c.RELEASE, c.RECORD_KEY, c.UNIFIED_ID)
