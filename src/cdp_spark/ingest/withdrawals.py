"""What a delivery says of withdrawals that cannot be read: new ones, and old ones that it brings readable.

1. A refused row that is a withdrawal opens an issue, once.
2. An open issue ends where its row is accepted now, or where the delivery lacks it and has more readable rows that are
   alike but for the contact point than the delivery had that it first came with.
3. A withdrawal that has no usable time is noted with the time of the run, so that its time stays the same.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.ingest.staging.consents import UNREADABLE_WITHDRAWAL
from cdp_spark.tables.catalog import WITHDRAWAL_ISSUES
from cdp_spark.tables.consents import OPEN, READABLE, UNDATED, find_open

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext

_STAGED = [c.SOURCE, c.REASON, c.ROW_HASH, c.CONTENT_HASH, c.FRAME_HASH, c.PURPOSE, c.STATUS, c.AT]


def undated_times(issues: Iterable[dict[str, object]]) -> dict[str, datetime]:
    """Return when each withdrawal without a usable time first came, by the hash of its row."""
    return {row[c.ROW_HASH]: row[c.GIVEN_AT] for row in issues if row[c.STATUS] == UNDATED}  # type: ignore[misc]


def refusals_of(staged: Rows) -> pa.Table:
    """Return the staged rows that deny or withdraw consent, or seem to.

    Args:
        staged: staged rows of all sources.
    """
    if isinstance(staged, pa.Table):
        is_refusal = pc.is_valid(staged[c.FRAME_HASH])
        unreadable = pc.fill_null(pc.equal(staged[c.REASON], UNREADABLE_WITHDRAWAL), fill_value=False)
        return staged.filter(pc.or_(is_refusal, unreadable)).select(_STAGED)
    wanted = F.col(c.FRAME_HASH).isNotNull() | (F.col(c.REASON) == UNREADABLE_WITHDRAWAL)
    return staged.where(wanted).select(*_STAGED).toArrow()


def find_new_issues(
    refusals: pa.Table, issues: list[dict[str, object]], *, as_of: datetime, run_id: str
) -> list[dict[str, object]]:
    """List what a delivery adds to `withdrawal_issues`.

    Args:
        refusals: from `refusals_of`.
        issues: rows of `withdrawal_issues`, the oldest first.
        as_of: the run's clock.
        run_id: of the run.
    """
    rows = refusals.to_pylist()
    unreadable = {(it[c.SOURCE], it[c.ROW_HASH]): it for it in rows if it[c.REASON] == UNREADABLE_WITHDRAWAL}
    accepted = [it for it in rows if it[c.REASON] is None]
    alike = Counter((it[c.SOURCE], it[c.FRAME_HASH]) for it in accepted)
    known = {(it[c.SOURCE], it[c.ROW_HASH]) for it in issues}
    run = {c.AT: as_of, c.RUN_ID: run_id}
    opened = [
        {c.SOURCE: source, c.ROW_HASH: row_hash, c.STATUS: OPEN, **_facts(it, alike, as_of), **run}
        for (source, row_hash), it in unreadable.items()
        if (source, row_hash) not in known
    ]
    undated = {
        (it[c.SOURCE], it[c.CONTENT_HASH])
        for it in accepted
        if it[c.AT] == as_of and (it[c.SOURCE], it[c.CONTENT_HASH]) not in known
    }
    contents = {(it[c.SOURCE], it[c.CONTENT_HASH]) for it in accepted}
    readable = [
        {c.SOURCE: it.source, c.ROW_HASH: it.row_hash, c.STATUS: READABLE, **run}
        for it in find_open(issues)
        if (it.source, it.row_hash) in contents
        or ((it.source, it.row_hash) not in unreadable and alike[it.source, it.frame_hash] > it.alike)
    ]
    dated = [
        {c.SOURCE: source, c.ROW_HASH: row_hash, c.STATUS: UNDATED, c.GIVEN_AT: as_of, **run}
        for source, row_hash in sorted(undated)
    ]
    return [*opened, *readable, *dated]


def write_new_issues(context: RunContext, staged: Rows, issues: list[dict[str, object]]) -> dict[str, int]:
    """Append what a delivery adds to `withdrawal_issues`.

    Returns: the table's version, where it is there.
    """
    if not any(source.kind == "consents" for source in context.project.sources):
        return {}
    new = find_new_issues(refusals_of(staged), issues, as_of=context.as_of, run_id=context.run_id)
    if not new:
        exists = context.store.exists(WITHDRAWAL_ISSUES)
        return {WITHDRAWAL_ISSUES.name: context.store.version(WITHDRAWAL_ISSUES)} if exists else {}
    rows = WITHDRAWAL_ISSUES.table([tuple(row.get(name) for name in WITHDRAWAL_ISSUES.schema.names) for row in new])
    application = context.application("ingest", WITHDRAWAL_ISSUES)
    return {WITHDRAWAL_ISSUES.name: context.store.append(WITHDRAWAL_ISSUES, rows, application=application)}


def _facts(row: dict[str, object], alike: Counter[tuple[str, str]], as_of: datetime) -> dict[str, object]:
    return {
        c.GIVEN_AT: row[c.AT] or as_of,
        c.PURPOSE: row[c.PURPOSE],
        c.CONSENT_STATUS: row[c.STATUS] or "withdrawn",
        c.FRAME_HASH: row[c.FRAME_HASH],
        c.ALIKE: alike[str(row[c.SOURCE]), str(row[c.FRAME_HASH])],
    }
