"""Counts of what was delivered, and whether that may go into the warehouse."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.ingest.drift import Drift, find_drift, find_mistakes
from cdp_spark.ingest.suppression.rows import SUPPRESSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.source import SourceConfig

log = logging.getLogger(__name__)

_DELIVERED, _TIME_ISSUE, _COLUMN = "delivered", "time_issue", "column"


@dataclass
class Tally:
    """What a source's delivery holds.

    Args:
        rejected: refused rows by reason.
        accepted: rows that were not refused.
        suppressed: rows that were left out for the suppression list; they are in no table.
        time_issues: accepted records whose time of observation is missing or implausible.
        columns: columns that at least one row fills, for sources whose rows name their own.
    """

    rejected: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    suppressed: int = 0
    time_issues: int = 0
    columns: set[str] = field(default_factory=set)

    @property
    def rows_rejected(self) -> int:
        """Refused rows, whatever the reason."""
        return sum(self.rejected.values())

    @property
    def rows(self) -> int:
        """All delivered rows."""
        return self.accepted + self.rows_rejected + self.suppressed


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


def count_facts(staged: DataFrame) -> dict[str, Tally]:
    """Count rows by reason, issues and columns of all sources in one job."""
    none = F.array().cast("array<struct<fact:string,name:string>>")
    facts = F.concat(
        F.array(_fact(_DELIVERED, F.coalesce(c.REASON, F.lit("")))),
        F.when(F.col(c.TIME_ISSUE), F.array(_fact(_TIME_ISSUE, F.lit("")))).otherwise(none),
        F.coalesce(F.transform(c.COLUMNS_SEEN, lambda name: _fact(_COLUMN, name)), none),
    )
    counts = staged.select(c.SOURCE, F.inline(facts)).groupBy(c.SOURCE, c.FACT, c.NAME).agg(F.count("*").alias(c.ROWS))
    tallies: dict[str, Tally] = {}
    for row in counts.collect():
        tally = tallies.setdefault(row[c.SOURCE], Tally())
        _add(tally, row[c.FACT], row[c.NAME], row[c.ROWS])
    return tallies


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


def _fact(fact: str, name: Column) -> Column:
    return F.struct(F.lit(fact).alias(c.FACT), name.alias(c.NAME))


def _add(tally: Tally, fact: str, name: str, rows: int) -> None:
    if fact == _COLUMN:
        tally.columns.add(name)
    elif fact == _TIME_ISSUE:
        tally.time_issues = rows
    elif name == SUPPRESSED:
        tally.suppressed = rows
    elif name:
        tally.rejected[name] = rows
    else:
        tally.accepted = rows


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
    fix = "correct the delivery or the mapping, or raise max_rejected_share"
    return [DataError(f"source {source.name}", got=got, allowed=f"{source.max_rejected_share:.1%}", fix=fix)]


def _row_mistakes(source: SourceConfig, tally: Tally, last: LastDelivery) -> list[DataError]:
    if tally.rows >= source.min_row_share * last.rows:
        return []
    got = f"{tally.rows:,} rows after {last.rows:,} in the last delivery"
    allowed = f"at least {source.min_row_share:.0%} of the last delivery (min_row_share)"
    return [DataError(f"source {source.name}", got=got, allowed=allowed, fix="check the delivery, or run with --force")]
