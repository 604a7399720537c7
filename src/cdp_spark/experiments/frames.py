"""Reading what arms and outcomes are made of: on the driver where that is little, by Spark where it is much."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.experiments.rows import CANDIDATES, CLAIMED_BY, HOME
from cdp_spark.id_moves import MOVE_COLUMNS
from cdp_spark.normalise.batches import as_array
from cdp_spark.tables.catalog import (
    EXPERIMENT_ASSIGNMENTS,
    HOUSEHOLDS,
    ID_REGISTRY,
    PROFILES,
    SEGMENT_MEMBERS,
    UNIFIED_EVENTS,
)
from cdp_spark.tables.increments.serving import serve_rows
from cdp_spark.tables.rows import as_frame, as_table, field_of, is_given, map_rows, texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import SparkSession

    from cdp_spark.tables.direct.table import Only
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store

_OF_EVENTS = (c.UNIFIED_ID, c.EVENT_TYPE, c.OCCURRED_AT, c.VALUE)


def fetch_moved_ids(store: Store, *, on_driver: bool) -> pa.Table:
    """The ids of `id_registry` that are not live, or were split from another."""
    rows = serve_rows(store, ID_REGISTRY, MOVE_COLUMNS, only={}, on_driver=on_driver)
    return as_table(rows.filter((field_of(rows, c.STATUS) != "live") | is_given(rows, c.SPLIT_FROM)))


def read_members(store: Store, experiments: Mapping[str, Sequence[str]], *, on_driver: bool) -> Rows:
    """The members of segments as candidates, once for each experiment of their segment.

    Args:
        store: the warehouse.
        experiments: by segment.
        on_driver: fetch them.
    """
    names = (c.SEGMENT, c.UNIFIED_ID, c.EXITED_AT)
    members = serve_rows(store, SEGMENT_MEMBERS, names, only={c.SEGMENT: texts(experiments)}, on_driver=on_driver)
    current = members.filter(~is_given(members, c.EXITED_AT))
    return map_rows(current, partial(_for_their_experiments, experiments=experiments), CANDIDATES)


def read_everybody(store: Store, experiment: str, *, on_driver: bool) -> Rows:
    """All persons as candidates of one experiment."""
    names = (c.UNIFIED_ID, c.ENTITY_TYPE)
    people = serve_rows(store, PROFILES, names, only={c.ENTITY_TYPE: texts(["person"])}, on_driver=on_driver)
    return map_rows(people, partial(_as_candidates, experiment=experiment), CANDIDATES)


def _for_their_experiments(members: pa.Table, experiments: Mapping[str, Sequence[str]]) -> pa.Table:
    pairs = [(segment, name) for segment, names in sorted(experiments.items()) for name in names]
    parts = [_as_candidates(members.filter(pc.field(c.SEGMENT) == segment), name) for segment, name in pairs]
    return pa.concat_tables([CANDIDATES.empty_table(), *parts])


def _as_candidates(rows: pa.Table, experiment: str) -> pa.Table:
    known = {c.EXPERIMENT: pa.repeat(pa.scalar(experiment), rows.num_rows), c.UNIFIED_ID: rows[c.UNIFIED_ID]}
    return pa.table([known.get(it.name, pa.nulls(rows.num_rows, it.type)) for it in CANDIDATES], schema=CANDIDATES)


def read_homes(store: Store, *, on_driver: bool) -> Rows:
    """The household of each person who is in one."""
    names = (c.UNIFIED_ID, c.HOUSEHOLD_ID)
    if not store.exists(HOUSEHOLDS):
        return HOUSEHOLDS.table([]).select(names)
    return serve_rows(store, HOUSEHOLDS, names, only={}, on_driver=on_driver)


def read_assigned(store: Store, columns: Sequence[str], *, only: Only, on_driver: bool) -> Rows:
    """The rows of `experiment_assignments` that have no end.

    Args:
        store: the warehouse.
        columns: to return.
        only: column to the values that are wanted of it.
        on_driver: fetch them.
    """
    names = (*columns, c.END_REASON)
    rows = serve_rows(store, EXPERIMENT_ASSIGNMENTS, names, only=only, on_driver=on_driver)
    return rows.filter(~is_given(rows, c.END_REASON)).select(list(columns))


def with_homes(rows: Rows, homes: Rows) -> Rows:
    """Add `home`: the household of who claims a row or takes part, or the id where there is none."""
    if isinstance(rows, DataFrame):
        key = F.coalesce(CLAIMED_BY, c.UNIFIED_ID) if CLAIMED_BY in rows.columns else F.col(c.UNIFIED_ID)
        named = as_frame(rows.sparkSession, homes).select(F.col(c.UNIFIED_ID).alias(HOME), c.HOUSEHOLD_ID)
        joined = rows.withColumn(HOME, key).join(named, on=HOME, how="left")
        return joined.withColumn(HOME, F.coalesce(c.HOUSEHOLD_ID, HOME)).select(*rows.columns, HOME)
    own = pc.coalesce(rows[CLAIMED_BY], rows[c.UNIFIED_ID]) if CLAIMED_BY in rows.column_names else rows[c.UNIFIED_ID]
    ids, households = (column.combine_chunks() for column in cast("pa.Table", homes).columns)
    return rows.append_column(HOME, pc.coalesce(households.take(as_array(pc.index_in(own, value_set=ids))), own))


def read_outcome_events(store: Store, event_types: Sequence[str], *, on_driver: bool) -> Rows:
    """The events of profiles that some experiment measures."""
    rows = serve_rows(store, UNIFIED_EVENTS, _OF_EVENTS, only={c.EVENT_TYPE: texts(event_types)}, on_driver=on_driver)
    return rows.filter(is_given(rows, c.UNIFIED_ID))


def with_events(assigned: Rows, events: Rows, *, spark: SparkSession) -> Rows:
    """Each row of assignments once for each event of its profile, or once where there is none."""
    if isinstance(assigned, DataFrame) or isinstance(events, DataFrame):
        return as_frame(spark, assigned).join(as_frame(spark, events), on=c.UNIFIED_ID, how="left")
    return assigned.join(events, keys=c.UNIFIED_ID, join_type="left outer")
