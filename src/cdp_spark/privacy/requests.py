"""Whose erasure was asked for, by whom, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.tables.catalog import ERASURES, ID_REGISTRY, UNIFIED_IDS
from cdp_spark.tables.rows import tuples_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cdp_spark.tables.run import RunContext

ACCOUNT = "account"


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
        records: record_key, entity_type, unified_id of all that is known of them.
        merged_ids: ids that were merged into theirs.
        author: who asked for it.
        reason: why.
        at: when.
    """

    records: pa.Table
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
        """Of their records, visitors included."""
        return tuple(sorted(set(self.records[c.RECORD_KEY].to_pylist())))


def find_people(context: RunContext, request: Request) -> People:
    """Find what the last release knows of the people.

    Raises:
        DataError: an id is none of a person's in the last release.
    """
    asked = pa.array(request.ids, pa.string())
    columns = (c.RECORD_KEY, c.ENTITY_TYPE, c.UNIFIED_ID)
    records = context.fetch_released(UNIFIED_IDS, columns, only={c.UNIFIED_ID: asked})
    found = {held: kind for _, kind, held in tuples_of(records)}
    for unified_id in request.ids:
        if found.get(unified_id) is None:
            raise DataError("cdp erase", got=f"{unified_id}, which no record bears", fix="`cdp id resolve` follows it")
        if found[unified_id] == ACCOUNT:
            got, allowed = f"{unified_id}, an account", "people and anonymous visitors"
            raise DataError("cdp erase", got=got, allowed=allowed, fix="name the people of it")
    return People(records, _find_merged(context, request.ids), request.author, request.reason, request.at)


def record_request(context: RunContext, people: People) -> int:
    """Note the request under the run, once; returns the version of `erasures`."""
    rows = [
        (context.run_id, held, record, kind, people.at, people.author, people.reason)
        for record, kind, held in sorted(tuples_of(people.records))
    ]
    return context.store.append(ERASURES, ERASURES.table(rows), application=f"{context.run_id}:{ERASURES.name}")


def read_people(context: RunContext) -> People | None:
    """Those whom the run is to erase; None where it was killed before that was noted."""
    rows = context.store.fetch(ERASURES, only={c.RUN_ID: pa.array([context.run_id])})
    if not rows.num_rows:
        return None
    first = rows.slice(0, 1).to_pylist()[0]
    ids: list[str] = rows[c.UNIFIED_ID].unique().to_pylist()
    records = rows.select([c.RECORD_KEY, c.ENTITY_TYPE, c.UNIFIED_ID])
    return People(records, _find_merged(context, ids), first[c.AUTHOR], first[c.REASON], first[c.AT])


def _find_merged(context: RunContext, ids: Sequence[str]) -> tuple[str, ...]:
    """The ids that lead to one of these, step by step."""
    found: set[str] = set()
    targets = {*ids}
    while targets:
        of_targets = {c.MERGED_INTO: pa.array(sorted(targets), pa.string())}
        rows = context.store.fetch(ID_REGISTRY, (c.UNIFIED_ID, c.MERGED_INTO), only=of_targets)
        targets = set(rows[c.UNIFIED_ID].to_pylist()) - found
        found |= targets
    return tuple(sorted(found))
