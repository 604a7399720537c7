"""Withdrawals that could not be read, and which of them still hold exports.

`withdrawal_issues` is appended to: an unreadable withdrawal is `open` until a later delivery brings the row readable or
a person settles or ignores it. A withdrawal that has no usable time is `undated`: it counts from the run that it first
came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark import columns as c
from cdp_spark.tables.catalog import WITHDRAWAL_ISSUES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cdp_spark.config.project import Project
    from cdp_spark.tables.store import Store

UNDATED, OPEN, READABLE, SETTLED, IGNORED = "undated", "open", "readable", "settled", "ignored"
_SHOWN = 12


@dataclass(frozen=True)
class OpenWithdrawal:
    """A withdrawal that could not be read.

    Args:
        source: that delivered it.
        row_hash: of the row, as in `rejected_rows`.
        purpose: what it is about; None where that cannot be read either.
        consent_status: denied or withdrawn.
        given_at: when it was given, or first came.
        frame_hash: of the row without its contact point; None of a line that is no row.
        alike: readable rows with the same frame in the delivery that it first came with.
    """

    source: str
    row_hash: str
    purpose: str | None
    consent_status: str
    given_at: datetime
    frame_hash: str | None
    alike: int

    @property
    def name(self) -> str:
        """What `cdp consent settle` takes."""
        return f"{self.source}:{self.row_hash[:_SHOWN]}"


def fetch_issues(store: Store) -> list[dict[str, object]]:
    """Fetch all rows of `withdrawal_issues`, the oldest first."""
    order = [(c.AT, "ascending"), (c.ROW_HASH, "ascending")]
    rows: list[dict[str, object]] = store.fetch(WITHDRAWAL_ISSUES).sort_by(order).to_pylist()
    return rows


def find_open(issues: Iterable[dict[str, object]]) -> list[OpenWithdrawal]:
    """Find the unreadable withdrawals that nothing has ended.

    Args:
        issues: rows of `withdrawal_issues`, the oldest first.
    """
    found: dict[tuple[object, object], OpenWithdrawal | None] = {}
    for row in issues:
        key = (row[c.SOURCE], row[c.ROW_HASH])
        if row[c.STATUS] == OPEN:
            found.setdefault(key, _as_open(row))
        elif row[c.STATUS] != UNDATED:
            found[key] = None
    return [it for it in found.values() if it is not None]


def holding(withdrawals: Iterable[OpenWithdrawal], project: Project) -> list[OpenWithdrawal]:
    """Keep those that hold exports: all but those of sources whose setting says to go on."""
    going_on = {source.name for source in project.sources if source.on_unreadable_withdrawal == "continue"}
    return [it for it in withdrawals if it.source not in going_on]


def of_purpose(withdrawals: Iterable[OpenWithdrawal], purpose: str) -> list[OpenWithdrawal]:
    """Keep those of a purpose, and those of which nobody can tell the purpose."""
    return [it for it in withdrawals if it.purpose in (purpose, None)]


def tell_names(withdrawals: Iterable[OpenWithdrawal], *, at_most: int = 3) -> str:
    """Name some withdrawals by source and row."""
    names = [it.name for it in withdrawals]
    return ", ".join(names[:at_most]) + (f" and {len(names) - at_most} more" if len(names) > at_most else "")


def _as_open(row: dict[str, object]) -> OpenWithdrawal:
    names = (c.SOURCE, c.ROW_HASH, c.PURPOSE, c.CONSENT_STATUS, c.GIVEN_AT, c.FRAME_HASH, c.ALIKE)
    return OpenWithdrawal(*(row[name] for name in names))  # type: ignore[arg-type]  # the table's schema says so
