"""How consents are read: the latest word of each source, the most restrictive of all; and those nobody can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import WITHDRAWAL_ISSUES
from cdp_spark.tables.hashing import contact_point_hash_expr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.project import ConsentPolicy, Project
    from cdp_spark.tables.store import Store

UNKNOWN = "unknown"
"""The status of a purpose that nobody was asked about; the project's policy says what it allows."""


_LEAST_RESTRICTIVE_FIRST = (UNKNOWN, "granted", "denied", "withdrawn")


def build_contact_points(profiles: DataFrame) -> DataFrame:
    """List every contact point of every profile.

    Args:
        profiles: one row per unified_id with `emails` and `phones`.

    Returns:
        one row per (unified_id, contact_point_hash).
    """
    both = F.explode(F.array_distinct(F.concat(c.EMAILS, c.PHONES))).alias(c.VALUE)
    points = profiles.select(c.UNIFIED_ID, both)
    return points.select(c.UNIFIED_ID, contact_point_hash_expr(F.col(c.VALUE)).alias(c.CONTACT_POINT_HASH))


def build_contact_point_consents(consents: DataFrame, *, until: datetime | None = None) -> DataFrame:
    """Say what holds for each contact point and purpose.

    Of each source the latest word counts (of two given at the same time the more restrictive), and of all sources the
    most restrictive.

    Args:
        consents: as given, any number per contact point.
        until: grants given after it are not read, refusals are; None reads all.

    Returns:
        one row per (contact_point_hash, purpose) with status.
    """
    is_granted = F.col(c.STATUS) == "granted"
    known = consents if until is None else consents.where((F.col(c.GIVEN_AT) <= F.lit(until)) | ~is_granted)
    ranked = known.withColumn("rank", _rank_expr(F.col(c.STATUS)))
    latest = ranked.groupBy(c.CONTACT_POINT_HASH, c.PURPOSE, c.SOURCE).agg(
        F.max(F.struct(c.GIVEN_AT, "rank"))["rank"].alias("rank")
    )
    return latest.groupBy(c.CONTACT_POINT_HASH, c.PURPOSE).agg(_status_expr(F.max("rank")).alias(c.STATUS))


def build_profile_consents(contact_point_consents: DataFrame, contact_points: DataFrame) -> DataFrame:
    """Say what holds for each profile: the most restrictive over its contact points.

    Consents stay with their contact points, so a merge never upgrades one and a split gives each side its own back.

    Args:
        contact_point_consents: one row per (contact_point_hash, purpose).
        contact_points: one row per (unified_id, contact_point_hash).

    Returns:
        one row per (unified_id, purpose) with status; none where nobody was asked.
    """
    return (
        contact_points.join(contact_point_consents, on=c.CONTACT_POINT_HASH, how="inner")
        .groupBy(c.UNIFIED_ID, c.PURPOSE)
        .agg(_status_expr(F.max(_rank_expr(F.col(c.STATUS)))).alias(c.STATUS))
    )


def allowed_expr(status: Column, *, policy: ConsentPolicy) -> Column:
    """True where a status lets a purpose go ahead; null counts as unknown."""
    known = F.coalesce(status, F.lit(UNKNOWN))
    return (known == "granted") | ((known == UNKNOWN) & F.lit(policy.default == "granted"))


def _rank_expr(status: Column) -> Column:
    return F.array_position(F.lit(list(_LEAST_RESTRICTIVE_FIRST)), status)


def _status_expr(rank: Column) -> Column:
    return F.element_at(F.lit(list(_LEAST_RESTRICTIVE_FIRST)), rank.cast("int"))


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
