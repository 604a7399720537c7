"""Whose erasure was asked for, by whom, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.identity.terms import REMOVED
from cdp_spark.tables.catalog import ERASURES, ID_CHANGES, ID_REGISTRY, RUNS, UNIFIED_IDS
from cdp_spark.tables.rows import as_frame, rows_without, texts, tuples_of

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark.sql import DataFrame

    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.store import Store

ACCOUNT = "account"
_HELD = (c.RECORD_KEY, c.ENTITY_TYPE, c.UNIFIED_ID)


@dataclass(frozen=True)
class Request:
    """An erasure that was asked for.

    Args:
        ids: live unified ids.
        author: who asked for it.
        reason: why; not the person's name.
        at: when, UTC.
    """

    ids: tuple[str, ...]
    author: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class People:
    """Those who are to be erased.

    Args:
        records: record_key, entity_type, unified_id of the records that bear their ids, visitors included.
        former: record keys of records that bore one when they were removed from their source.
        merged_ids: ids that were merged into theirs.
        author: who asked for it.
        reason: why.
        at: when.
    """

    records: pa.Table
    former: tuple[str, ...]
    merged_ids: tuple[str, ...]
    author: str
    reason: str
    at: datetime

    @property
    def ids(self) -> tuple[str, ...]:
        """Their unified ids."""
        return tuple(sorted(set(self.records[c.UNIFIED_ID].to_pylist())))

    @property
    def record_keys(self) -> tuple[str, ...]:
        """Of all their records."""
        return tuple(sorted({*self.records[c.RECORD_KEY].to_pylist(), *self.former}))

    def keys_frame(self, store: Store) -> DataFrame:
        """Their record keys: record_key."""
        return as_frame(store.spark, pa.table({c.RECORD_KEY: pa.array(self.record_keys, pa.string())}))


def find_people(context: RunContext, request: Request) -> People:
    """Find what the last release knows of the people.

    Raises:
        DataError: ids are none of a person's in the last release.
    """
    records = context.fetch_released(UNIFIED_IDS, _HELD, only={c.UNIFIED_ID: texts(request.ids)})
    kinds = {held: kind for _, kind, held in tuples_of(records)}
    unknown = [it for it in request.ids if it not in kinds]
    if unknown:
        got = f"{', '.join(unknown)}, which no record bears"
        raise DataError("cdp erase", got=got, fix="`cdp id resolve` follows an id to the one that lives")
    accounts = [it for it in request.ids if kinds[it] == ACCOUNT]
    if accounts:
        got, allowed = f"{', '.join(accounts)}, accounts", "people and anonymous visitors"
        raise DataError("cdp erase", got=got, allowed=allowed, fix="name the people of it")
    return _of_records(context, records, request.author, request.reason, request.at)


def record_request(context: RunContext, people: People) -> int:
    """Note the request under the run, once; returns the version of `erasures`."""
    rows = [
        (context.run_id, held, record, kind, people.at, people.author, people.reason)
        for record, kind, held in sorted(tuples_of(people.records))
    ]
    return context.store.append(ERASURES, ERASURES.table(rows), application=f"{context.run_id}:{ERASURES.name}")


def is_recorded(store: Store, run_id: str) -> bool:
    """True where it is noted whom a run is to erase."""
    return bool(store.fetch(ERASURES, (c.RUN_ID,), only={c.RUN_ID: pa.array([run_id])}).num_rows)


def read_people(context: RunContext) -> People | None:
    """Those whom the run is to erase; None where it was killed before that was noted."""
    rows = context.store.fetch(ERASURES, only={c.RUN_ID: pa.array([context.run_id])})
    if not rows.num_rows:
        return None
    first = rows.slice(0, 1).to_pylist()[0]
    return _of_records(context, rows.select(_HELD), first[c.AUTHOR], first[c.REASON], first[c.AT])


def as_begun(context: RunContext) -> RunContext:
    """The context with every table's version of when the run began: what it finds is the same when it goes on."""
    columns, only = (c.STAGE, c.STATUS, c.VERSIONS), {c.RUN_ID: pa.array([context.run_id])}
    states = context.store.fetch(RUNS, columns, only=only).to_pylist()
    versions = next((dict(it[c.VERSIONS]) for it in states if it[c.VERSIONS] and it[c.STATUS] == "started"), {})
    return replace(context, base_versions={**versions, **context.base_versions})


def _of_records(context: RunContext, records: pa.Table, author: str, reason: str, at: datetime) -> People:
    ids = set(records[c.UNIFIED_ID].to_pylist())
    merged = _find_merged(context, ids)
    return People(records, _find_former(context, {*ids, *merged}), merged, author, reason, at)


def _find_merged(context: RunContext, ids: set[str]) -> tuple[str, ...]:
    """The ids that lead to one of these, step by step."""
    found, targets = set[str](), ids
    columns = (c.UNIFIED_ID, c.MERGED_INTO)
    while targets:
        of_targets = {c.MERGED_INTO: texts(targets)}
        rows = (
            context.fetch_released(ID_REGISTRY, columns, only=of_targets)
            if ID_REGISTRY.name in context.base_versions
            else context.store.fetch(ID_REGISTRY, columns, only=of_targets)  # the erasure itself was published
        )
        targets = set(rows[c.UNIFIED_ID].to_pylist()) - found
        found |= targets
    return tuple(sorted(found))


def _find_former(context: RunContext, ids: set[str]) -> tuple[str, ...]:
    """Records that left with one of the ids and that no id bears now."""
    columns, only = (c.RECORD_KEY, c.CHANGE), {c.UNIFIED_ID: texts(ids)}
    changes = context.fetch_released(ID_CHANGES, columns, only=only)
    removed = changes.filter(pc.field(c.CHANGE) == REMOVED)[c.RECORD_KEY].unique()
    borne = context.fetch_released(UNIFIED_IDS, (c.RECORD_KEY,), only={c.RECORD_KEY: removed})
    left = rows_without(pa.table({c.RECORD_KEY: removed}), c.RECORD_KEY, borne[c.RECORD_KEY].combine_chunks())
    return tuple(sorted(left[c.RECORD_KEY].to_pylist()))
