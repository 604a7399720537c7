"""Counts of what was delivered, and whether that may go into the warehouse."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from cdp_spark.errors import DataError
from cdp_spark.ingest.drift import Drift, find_drift, find_mistakes
from cdp_spark.ingest.staging.faults import read_fault
from cdp_spark.normalise.hashing import canonical_json, hash_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.staging.facts import Tally

log = logging.getLogger(__name__)

_NONE: Mapping[str, str] = MappingProxyType({})
_FILES_NAMED = 5

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
        identity: what identified its rows, as `identity_of` tells it.
        reading: the settings by which its rows were read, as `reading_of` hashes them.
    """

    rows: int
    rejected: int
    columns: Mapping[str, str]
    identity: str
    reading: str


@dataclass(frozen=True)
class Verdict:
    """A delivery that may go into the warehouse.

    Args:
        tally: its counts.
        columns: column to type, without those that the source's setting ignores.
        drift: how its columns differ from the last delivery's.
        is_read_anew: whether other settings than the last delivery's say what its rows mean.
    """

    tally: Tally
    columns: Mapping[str, str]
    drift: Drift
    is_read_anew: bool = False


def judge(
    source: SourceConfig,
    tally: Tally,
    declared: Mapping[str, str] | None,
    *,
    last: LastDelivery | None,
    force: bool,
    unread: Mapping[str, str] = _NONE,
) -> tuple[Verdict, list[DataError]]:
    """Decide whether a delivery may go into the warehouse.

    Args:
        source: the source and its limits.
        tally: the delivery's counts.
        declared: column to type by header or schema; None for JSON, whose columns the tally has.
        last: the last delivery; None for the first.
        force: accept far fewer rows than last time.
        unread: files of the delivery that are not read, with the reason.

    Returns:
        The verdict and everything that speaks against it.
    """
    if tally.faults:
        return Verdict(tally, {}, Drift()), [read_fault(text) for text in sorted(tally.faults)]
    if not tally.rows:
        return Verdict(tally, {}, Drift()), _empty_mistakes(source, unread)
    present = dict.fromkeys(tally.columns, "json") if declared is None else dict(declared)
    drift = find_drift(source, present, last.columns if last else None)
    mistakes = find_mistakes(source, drift, present) or [
        *_share_mistakes(source, tally),
        *_conflict_mistakes(source, tally),
    ]
    mistakes += _identity_mistakes(source, last) if last else []
    if last and not force:
        mistakes += _row_mistakes(source, tally, last)
    ignored = set(drift.new) if source.drift.new == "ignore" else set()
    # A sparse JSON field that no row fills today is still known tomorrow.
    remembered = dict(last.columns) if last and declared is None else {}
    kept = {name: kind for name, kind in {**remembered, **present}.items() if name not in ignored}
    return Verdict(tally, kept, drift, last is not None and last.reading != reading_of(source)), mistakes


def _empty_mistakes(source: SourceConfig, unread: Mapping[str, str]) -> list[DataError]:
    where = f"source {source.name}"
    if source.on_empty == "warn":
        log.warning("%s: empty source, no rows at %s", where, source.path or "its table")
        return []
    got = f"an empty source: no rows at {source.path or 'its table'}"
    got += f", where {name_files(unread)} is not read" if unread else ""
    return [DataError(where, got=got, fix="check the delivery, or set on_empty to 'warn'")]


def name_files(unread: Mapping[str, str]) -> str:
    """Name files with the reason why each is not read, at most five."""
    named = [f"{name} ({why})" for name, why in list(unread.items())[:_FILES_NAMED]]
    return ", ".join(named) + (f" and {len(unread) - len(named):,} more" if len(unread) > len(named) else "")


def _share_mistakes(source: SourceConfig, tally: Tally) -> list[DataError]:
    share = tally.rows_rejected / tally.rows
    if share <= source.max_rejected_share:
        return []
    top = sorted(tally.rejected.items(), key=lambda item: (-item[1], item[0]))[:3]
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in top)
    got = f"{tally.rows_rejected:,} of {tally.rows:,} rows refused ({share:.1%}): {reasons}"
    fix = _FIXES.get(top[0][0], "correct the delivery or the mapping, or raise max_rejected_share")
    return [DataError(f"source {source.name}", got=got, allowed=f"{source.max_rejected_share:.1%}", fix=fix)]


def _conflict_mistakes(source: SourceConfig, tally: Tally) -> list[DataError]:
    """An `event_id` that many rows share is too narrow: of each group only one row would be stored."""
    if source.kind != "events" or tally.conflicts <= source.max_conflict_share * tally.accepted:
        return []
    named = ", ".join(source.events.event_id if source.events else ())
    got = (
        f"{tally.conflicts:,} of {tally.accepted:,} rows with the event_id ({named}) of another row and a different "
        "content, which would be lost"
    )
    fix = (
        f"name all columns that identify a row, such as event_id: [{named}, line_no], and an order's number as "
        "order_id; where later rows correct earlier ones, raise max_conflict_share"
    )
    allowed = f"{source.max_conflict_share:.1%} (max_conflict_share)"
    return [DataError(f"source {source.name}", got=got, allowed=allowed, fix=fix)]


def identity_of(source: SourceConfig) -> str:
    """Tell what identifies a source's rows in the warehouse, such as `records by ["id"]`."""
    columns = source.key if source.kind == "records" else source.events.event_id if source.events else ()
    by = json.dumps(columns, ensure_ascii=False) if columns else "the whole row"
    kind = f"{source.entity_type} records" if source.kind == "records" else source.kind
    return f"{kind} by {by}" if source.kind in ("records", "events") else kind


def reading_of(source: SourceConfig) -> str:
    """Hash the settings whose result is stored when a row is loaded, and not worked out anew by later runs."""
    kept = {"observed_at", "events", "consents", "order_lines", "decimal"}
    stored = source.model_dump(mode="json", include=kept, exclude={"events": {"event_id"}})
    return hash_key(settings=canonical_json(stored))


def _identity_mistakes(source: SourceConfig, last: LastDelivery) -> list[DataError]:
    if identity_of(source) == last.identity:
        return []
    got = f"{identity_of(source)} after {last.identity}: what was loaded before would be loaded again beside itself"
    fix = f"`cdp source reset {source.name}` removes what was loaded, and the next run loads the source anew"
    return [DataError(f"source {source.name}", got=got, allowed=last.identity, fix=fix)]


def _row_mistakes(source: SourceConfig, tally: Tally, last: LastDelivery) -> list[DataError]:
    if tally.rows >= source.min_row_share * last.rows:
        return []
    got = f"{tally.rows:,} rows after {last.rows:,} in the last delivery"
    allowed = f"at least {source.min_row_share:.0%} of the last delivery (min_row_share)"
    return [DataError(f"source {source.name}", got=got, allowed=allowed, fix="check the delivery, or run with --force")]
