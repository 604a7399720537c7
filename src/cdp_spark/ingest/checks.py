"""Counts of what was delivered, and whether that may go into the warehouse."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.errors import DataError
from cdp_spark.ingest.drift import Drift, find_drift, find_mistakes
from cdp_spark.ingest.staging.faults import read_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.staging.facts import Tally

log = logging.getLogger(__name__)

_FIXES = {
    "wrong_epoch_unit": "set `formats` of occurred_at to the numbers' unit: epoch_seconds, epoch_millis, epoch_micros"
}
"""What to do about a reason that most refused rows have."""


@dataclass(frozen=True)
class LastDelivery:
    """What the delivery before this one held.

    Args:
        rows: delivered rows.
        rejected: refused ones among them.
        columns: column to type.
    """

    rows: int
    rejected: int
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Verdict:
    """A delivery that may go into the warehouse.

    Args:
        tally: its counts.
        columns: column to type, without those that the source's setting ignores.
        drift: how its columns differ from the last delivery's.
    """

    tally: Tally
    columns: Mapping[str, str]
    drift: Drift


def judge(
    source: SourceConfig,
    tally: Tally,
    declared: Mapping[str, str] | None,
    *,
    last: LastDelivery | None,
    force: bool,
) -> tuple[Verdict, list[DataError]]:
    """Decide whether a delivery may go into the warehouse.

    Args:
        source: the source and its limits.
        tally: the delivery's counts.
        declared: column to type by header or schema; None for JSON, whose columns the tally has.
        last: the last delivery; None for the first.
        force: accept far fewer rows than last time.

    Returns:
        The verdict and everything that speaks against it.
    """
    if tally.faults:
        return Verdict(tally, {}, Drift()), [read_fault(text) for text in sorted(tally.faults)]
    if not tally.rows:
        return Verdict(tally, {}, Drift()), _empty_mistakes(source)
    present = dict.fromkeys(tally.columns, "json") if declared is None else dict(declared)
    drift = find_drift(source, present, last.columns if last else None)
    mistakes = find_mistakes(source, drift, present) or _share_mistakes(source, tally)
    if last and not force:
        mistakes += _row_mistakes(source, tally, last)
    ignored = set(drift.new) if source.drift.new == "ignore" else set()
    # A sparse JSON field that no row fills today is still known tomorrow.
    remembered = dict(last.columns) if last and declared is None else {}
    kept = {name: kind for name, kind in {**remembered, **present}.items() if name not in ignored}
    return Verdict(tally, kept, drift), mistakes


def _empty_mistakes(source: SourceConfig) -> list[DataError]:
    where = f"source {source.name}"
    if source.on_empty == "warn":
        log.warning("%s: empty source, no rows at %s", where, source.path or "its table")
        return []
    got = f"an empty source: no rows at {source.path or 'its table'}"
    return [DataError(where, got=got, fix="check the delivery, or set on_empty to 'warn'")]


def _share_mistakes(source: SourceConfig, tally: Tally) -> list[DataError]:
    share = tally.rows_rejected / tally.rows
    if share <= source.max_rejected_share:
        return []
    top = sorted(tally.rejected.items(), key=lambda item: (-item[1], item[0]))[:3]
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in top)
    got = f"{tally.rows_rejected:,} of {tally.rows:,} rows refused ({share:.1%}): {reasons}"
    fix = _FIXES.get(top[0][0], "correct the delivery or the mapping, or raise max_rejected_share")
    return [DataError(f"source {source.name}", got=got, allowed=f"{source.max_rejected_share:.1%}", fix=fix)]


def _row_mistakes(source: SourceConfig, tally: Tally, last: LastDelivery) -> list[DataError]:
    if tally.rows >= source.min_row_share * last.rows:
        return []
    got = f"{tally.rows:,} rows after {last.rows:,} in the last delivery"
    allowed = f"at least {source.min_row_share:.0%} of the last delivery (min_row_share)"
    return [DataError(f"source {source.name}", got=got, allowed=allowed, fix="check the delivery, or run with --force")]
