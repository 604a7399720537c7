"""What staged rows hold, counted: refused rows by reason, times that cannot be used, columns that rows name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.ingest.staging.faults import FAULT
from cdp_spark.ingest.staging.rows import SUPPRESSED

if TYPE_CHECKING:
    from collections.abc import Iterable

_DELIVERED, _TIME_ISSUE, _COLUMN, _VALUE_ISSUE = "delivered", "time_issue", "column", "value_issue"
DUPLICATE, CONFLICT = "duplicate", "conflict"
FACTS = pa.schema({c.SOURCE: pa.string(), c.FACT: pa.string(), c.NAME: pa.string(), c.ROWS: pa.int64()})
"""Columns of facts; a fact may be spread over several rows, which add up."""


@dataclass
class Tally:
    """What a source's delivery holds.

    Args:
        rejected: refused rows by reason.
        accepted: rows that were not refused.
        suppressed: rows that were left out for the suppression list; they are in no table.
        duplicates: accepted rows that are not stored because another row of the delivery has their identity.
        conflicts: rows of which another row of the delivery has the identity and a different content.
        time_issues: accepted records whose time of observation is missing or implausible.
        value_issues: values of accepted rows that could not be read, by `field:reason`.
        columns: columns that rows name, for sources whose rows name their own.
        faults: texts of what stopped the reading.
    """

    rejected: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    suppressed: int = 0
    duplicates: int = 0
    conflicts: int = 0
    time_issues: int = 0
    value_issues: dict[str, int] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)

    @property
    def rows_rejected(self) -> int:
        """Refused rows, whatever the reason."""
        return sum(self.rejected.values())

    @property
    def rows(self) -> int:
        """All delivered rows."""
        return self.accepted + self.rows_rejected + self.suppressed


def count_facts(staged: pa.Table) -> pa.Table:
    """Count staged rows by source.

    Returns: the columns of `FACTS`.
    """
    counts = staged.select([c.SOURCE, c.REASON]).group_by([c.SOURCE, c.REASON]).aggregate([([], "count_all")])
    late = staged.filter(staged[c.TIME_ISSUE]).select([c.SOURCE]).group_by(c.SOURCE).aggregate([([], "count_all")])
    seen = staged.filter(pc.is_valid(staged[c.COLUMNS_SEEN]))
    named = [
        (source, _COLUMN, name, 1)
        for source, names in zip(seen[c.SOURCE].to_pylist(), seen[c.COLUMNS_SEEN].to_pylist(), strict=True)
        for name in names
    ]
    stopped = staged.filter(pc.fill_null(pc.equal(staged[c.REASON], FAULT), fill_value=False))
    rows = [
        *((row[c.SOURCE], _DELIVERED, row[c.REASON] or "", row["count_all"]) for row in counts.to_pylist()),
        *((row[c.SOURCE], FAULT, row[c.RAW_TEXT], 1) for row in stopped.select([c.SOURCE, c.RAW_TEXT]).to_pylist()),
        *((row[c.SOURCE], _VALUE_ISSUE, row[c.VALUE_ISSUES], row["count_all"]) for row in _value_issues(staged)),
        *((row[c.SOURCE], _TIME_ISSUE, "", row["count_all"]) for row in late.to_pylist()),
        *dict.fromkeys(named),
    ]
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    arrays = [pa.array(values, it.type) for values, it in zip(columns, FACTS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=FACTS)


def _value_issues(staged: pa.Table) -> list[dict[str, Any]]:
    accepted = staged.select([c.SOURCE, c.VALUE_ISSUES]).filter(pc.is_null(staged[c.REASON])).combine_chunks()
    sources = accepted[c.SOURCE].take(pc.list_parent_indices(accepted[c.VALUE_ISSUES]))
    issues = pa.table({c.SOURCE: sources, c.VALUE_ISSUES: pc.list_flatten(accepted[c.VALUE_ISSUES])})
    counts: list[dict[str, Any]] = (
        issues.group_by([c.SOURCE, c.VALUE_ISSUES]).aggregate([([], "count_all")]).to_pylist()
    )
    return counts


def add_facts(tables: Iterable[pa.Table]) -> dict[str, Tally]:
    """Add facts up to a tally for each source."""
    tallies: dict[str, Tally] = {}
    for table in tables:
        for row in table.to_pylist():
            _add(tallies.setdefault(row[c.SOURCE], Tally()), row[c.FACT], row[c.NAME], row[c.ROWS])
    return tallies


def _add(tally: Tally, fact: str, name: str, rows: int) -> None:
    if fact == _COLUMN:
        tally.columns.add(name)
    elif fact == FAULT:
        tally.faults.add(name)
    elif fact == _TIME_ISSUE:
        tally.time_issues += rows
    elif fact == _VALUE_ISSUE:
        tally.value_issues[name] = tally.value_issues.get(name, 0) + rows
    elif fact == DUPLICATE:
        tally.duplicates += rows
    elif fact == CONFLICT:
        tally.conflicts += rows
    elif name != FAULT:
        _add_delivered(tally, name, rows)


def _add_delivered(tally: Tally, reason: str, rows: int) -> None:
    if reason == SUPPRESSED:
        tally.suppressed += rows
    elif reason:
        tally.rejected[reason] = tally.rejected.get(reason, 0) + rows
    else:
        tally.accepted += rows
