"""Ids of others that bore a record of the people for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.identity.terms import REMOVED
from cdp_spark.tables.catalog import ID_CHANGES, RUNS

if TYPE_CHECKING:
    from datetime import datetime

    from cdp_spark.privacy.people.requests import People
    from cdp_spark.tables.run import RunContext


class Span(NamedTuple):
    """A time in which an id bore a record of theirs.

    Args:
        unified_id: of another.
        since: when the record came to it; None where that is forgotten.
        until: when it left.
    """

    unified_id: str
    since: datetime | None
    until: datetime


def find_spans(context: RunContext, people: People) -> list[Span]:
    """The ids of others in the log of changes of the people's records; the profiles of then are made of theirs, too."""
    own = {*people.ids, *people.merged_ids}
    only = {c.RECORD_KEY: pa.array(people.record_keys, pa.string())}
    columns = (c.RELEASE, c.RECORD_KEY, c.UNIFIED_ID, c.PREVIOUS_ID, c.CHANGE)
    changes = context.fetch_released(ID_CHANGES, columns, only=only).sort_by(c.RELEASE).to_pylist()
    clocks = {row[c.ORDINAL]: row[c.AS_OF] for row in context.store.fetch(RUNS, (c.ORDINAL, c.AS_OF)).to_pylist()}
    came: dict[tuple[str, str], datetime | None] = {}
    spans = []
    for row in changes:
        record, held, before = row[c.RECORD_KEY], row[c.UNIFIED_ID], row[c.PREVIOUS_ID]
        if before is not None and before not in own and row[c.RELEASE] in clocks:
            spans.append(Span(before, came.pop((record, before), None), clocks[row[c.RELEASE]]))
        if row[c.CHANGE] != REMOVED:
            came[record, held] = clocks.get(row[c.RELEASE])
    return sorted(set(spans), key=str)
