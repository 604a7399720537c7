"""Reading what arms and outcomes are made of: on the driver where that is little, by Spark where it is much."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.experiments.rows import CANDIDATES, CLAIMED_BY, HOME
from cdp_spark.tables.catalog import HOUSEHOLDS, ID_REGISTRY, PROFILES, SEGMENT_MEMBERS, UNIFIED_EVENTS
from cdp_spark.tables.rows import as_frame, as_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import SparkSession

    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store

_MOVES = (c.UNIFIED_ID, c.STATUS, c.MERGED_INTO, c.SPLIT_FROM, c.CREATED_RELEASE)
_OF_EVENTS = (c.UNIFIED_ID, c.EVENT_TYPE, c.OCCURRED_AT, c.VALUE)


def fetch_moved_ids(store: Store, *, on_driver: bool) -> pa.Table:
    """The ids of `id_registry` that are not live, or were split from another."""
    if on_driver:
        rows = store.fetch(ID_REGISTRY, _MOVES)
        return rows.filter((pc.field(c.STATUS) != "live") | pc.field(c.SPLIT_FROM).is_valid())
    moved = (F.col(c.STATUS) != "live") | F.col(c.SPLIT_FROM).isNotNull()
    return as_table(store.read(ID_REGISTRY).where(moved).select(*_MOVES))


def read_members(store: Store, experiments: Mapping[str, Sequence[str]], *, on_driver: bool) -> Rows:
    """The members of segments as candidates, once for each experiment of their segment.

    Args:
        store: the warehouse.
        experiments: by segment.
        on_driver: fetch them.
    """
    pairs = [(segment, name) for segment, names in sorted(experiments.items()) for name in names]
    if on_driver:
        only = {c.SEGMENT: pa.array(sorted(experiments), pa.string())}
        members = store.fetch(SEGMENT_MEMBERS, (c.SEGMENT, c.UNIFIED_ID, c.EXITED_AT), only=only)
        members = members.filter(pc.field(c.EXITED_AT).is_null())
        parts = [_of_ids(members.filter(pc.field(c.SEGMENT) == segment)[c.UNIFIED_ID], name) for segment, name in pairs]
        return pa.concat_tables([CANDIDATES.empty_table(), *parts])
    named = store.spark.createDataFrame(pairs, f"{c.SEGMENT} string, {c.EXPERIMENT} string")
    members = store.read(SEGMENT_MEMBERS).where(F.col(c.EXITED_AT).isNull())
    return _as_candidates(members.join(F.broadcast(named), on=c.SEGMENT, how="inner"))


def read_everybody(store: Store, experiment: str, *, on_driver: bool) -> Rows:
    """All persons as candidates of one experiment."""
    if on_driver:
        rows = store.fetch(PROFILES, (c.UNIFIED_ID, c.ENTITY_TYPE), only={c.ENTITY_TYPE: pa.array(["person"])})
        return _of_ids(rows[c.UNIFIED_ID], experiment)
    people = store.read(PROFILES).where(F.col(c.ENTITY_TYPE) == "person")
    return _as_candidates(people.withColumn(c.EXPERIMENT, F.lit(experiment)))


def _of_ids(ids: pa.ChunkedArray, experiment: str) -> pa.Table:
    known = {c.EXPERIMENT: pa.repeat(pa.scalar(experiment), len(ids)), c.UNIFIED_ID: ids}
    return pa.table([known.get(it.name, pa.nulls(len(ids), it.type)) for it in CANDIDATES], schema=CANDIDATES)


def _as_candidates(rows: DataFrame) -> DataFrame:
    nothing = {c.ARM: F.lit(None).cast("string"), c.ASSIGNED_AT: F.lit(None).cast("timestamp")}
    return rows.withColumns(nothing).select(*CANDIDATES.names)


def read_homes(store: Store, *, on_driver: bool) -> Rows:
    """The household of each person who is in one."""
    names = (c.UNIFIED_ID, c.HOUSEHOLD_ID)
    if not store.exists(HOUSEHOLDS):
        return HOUSEHOLDS.table([]).select(names)
    return store.fetch(HOUSEHOLDS, names) if on_driver else store.read(HOUSEHOLDS).select(*names)


def with_homes(rows: Rows, homes: Rows) -> Rows:
    """Add `home`: the household of who claims a row or takes part, or the id where there is none."""
    if isinstance(rows, DataFrame):
        key = F.coalesce(CLAIMED_BY, c.UNIFIED_ID) if CLAIMED_BY in rows.columns else F.col(c.UNIFIED_ID)
        named = as_frame(rows.sparkSession, homes).select(F.col(c.UNIFIED_ID).alias(HOME), c.HOUSEHOLD_ID)
        joined = rows.withColumn(HOME, key).join(named, on=HOME, how="left")
        return joined.withColumn(HOME, F.coalesce(c.HOUSEHOLD_ID, HOME)).select(*rows.columns, HOME)
    own = pc.coalesce(rows[CLAIMED_BY], rows[c.UNIFIED_ID]) if CLAIMED_BY in rows.column_names else rows[c.UNIFIED_ID]
    ids, households = (column.combine_chunks() for column in cast("pa.Table", homes).columns)
    return rows.append_column(HOME, pc.coalesce(households.take(_combined(pc.index_in(own, value_set=ids))), own))


def _combined(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def read_outcome_events(store: Store, event_types: Sequence[str], *, on_driver: bool) -> Rows:
    """The events of profiles that some experiment measures."""
    if on_driver:
        rows = store.fetch(UNIFIED_EVENTS, _OF_EVENTS, only={c.EVENT_TYPE: pa.array(event_types, pa.string())})
        return rows.filter(pc.field(c.UNIFIED_ID).is_valid())
    events = store.read(UNIFIED_EVENTS).where(F.col(c.EVENT_TYPE).isin(*event_types))
    return events.where(F.col(c.UNIFIED_ID).isNotNull()).select(*_OF_EVENTS)


def with_events(assigned: Rows, events: Rows, *, spark: SparkSession) -> Rows:
    """Each row of assignments once for each event of its profile, or once where there is none."""
    if isinstance(assigned, DataFrame) or isinstance(events, DataFrame):
        return as_frame(spark, assigned).join(as_frame(spark, events), on=c.UNIFIED_ID, how="left")
    return assigned.join(events, keys=c.UNIFIED_ID, join_type="left outer")
