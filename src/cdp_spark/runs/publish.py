"""Two stages that publish: `publish` of a nightly run, behind its gates, and `expire` of an erasure.

Publishing measures the tables of this run, passes the gates, and appends one row to `releases`. Expiring publishes what
an erasure left of the last release, in one commit with the end of all earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.identity.terms import CLOSED_STATUS
from cdp_spark.quality.gates import closed_quality_gates
from cdp_spark.quality.measures import MEASURE_COLUMNS, measures_of
from cdp_spark.runs.releases import EXPIRED, Release, append_release, read_releases, write_releases
from cdp_spark.runs.run_log import ERASURE, read_finished
from cdp_spark.tables.catalog import (
    CONSENTS,
    DATA_QUALITY,
    GOLD,
    ID_REGISTRY,
    IDENTITY_ISSUES,
    PROFILES,
    RELEASES,
    SUPPRESSIONS,
    TABLES,
    UNIFIED_IDS,
    WITHDRAWAL_ISSUES,
)
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import DataFrame

    from cdp_spark.config.project import Gates, RowBounds
    from cdp_spark.runs.run_log import StageOutcome
    from cdp_spark.tables.run import RunContext


class ReleaseRefusedError(StateError):
    """A gate is closed: nothing was published, and the last release stays."""


def publish(context: RunContext) -> StageResult:
    """Publish the gold tables of this run.

    Raises:
        ReleaseRefusedError: a figure is out of a gate's bounds.
    """
    finished = read_finished(context.store, context.run_id)
    versions = _gold_versions(context, finished)
    figures = measured_before(context, finished, versions) or measure(context, finished)
    gates = context.project.settings.gates
    closed = [*closed_gates(figures, gates), *_closed_quality_gates(context)]
    if closed:
        raise ReleaseRefusedError(
            f"release {context.ordinal}",
            got="; ".join(closed),
            fix="correct the input or the match settings and run again; or, if the figures are right, widen `gates` in "
            "project.yaml and `cdp run --from publish --to activation`; the last release stays",
        )
    _check_files(context, versions)
    release = Release(context.ordinal, context.run_id, datetime.now(UTC), versions)
    return StageResult(
        versions={RELEASES.name: append_release(context.store, release)},
        metrics=figures.metrics,
        detail=f"release {context.ordinal}",
    )


def _check_files(context: RunContext, versions: Mapping[str, int]) -> None:
    """Refuse to publish what readers could not read, or would export without the consents of.

    Raises:
        StateError: a table's log or file is missing or damaged.
    """
    others = [spec for spec in (CONSENTS, WITHDRAWAL_ISSUES, SUPPRESSIONS) if context.store.exists(spec)]
    for spec in (*(TABLES[name] for name in versions), *others):
        table = context.store.open_local(spec, versions.get(spec.name))
        if table is not None:
            table.check_files()


def _gold_versions(context: RunContext, finished: Mapping[str, StageOutcome]) -> dict[str, int]:
    """This run's version of each gold table; the head's for a table that a partial run did not write."""
    written = {name: version for outcome in finished.values() for name, version in outcome.versions.items()}
    store = context.store
    return {
        spec.name: written[spec.name] if spec.name in written else store.version(spec)
        for spec in GOLD
        if spec.name in written or store.exists(spec)
    }


def expire(context: RunContext) -> StageResult:
    """Publish what the erasure left of the last release, and expire all releases before, in one commit.

    No gate is asked: what is published was published before, but for the erased.
    """
    erased = read_finished(context.store, context.run_id)[ERASURE]
    versions = {spec.name: erased.versions[spec.name] for spec in GOLD if spec.name in erased.versions}
    release = Release(context.ordinal, context.run_id, datetime.now(UTC), versions, reason=erased.detail)
    before = [it for it in read_releases(context.store) if it.number != context.ordinal]
    version = write_releases(context.store, [release, *(replace(it, status=EXPIRED) for it in before)])
    detail = f"release {context.ordinal}; {len(before):,} before it expired"
    return StageResult(versions={RELEASES.name: version}, detail=detail)


@dataclass(frozen=True)
class RowCount:
    """Rows of a table now and in the last release; None before the first."""

    now: int
    before: int | None = None

    @property
    def change(self) -> float | None:
        """Share of the last release's rows that the number went up or down by; None without a last release."""
        return abs(self.now - self.before) / max(self.before, 1) if self.before is not None else None


_JUDGED = (UNIFIED_IDS.name, ID_REGISTRY.name, IDENTITY_ISSUES.name, PROFILES.name)
"""The tables that the gates' figures are made from; those of `gates.rows` come to them."""
_VISITOR = "visitor"
_ENDED = "has_ended"


@dataclass(frozen=True)
class Figures:
    """What the gates judge; visitors, who come and go and join people every night, do not count.

    Args:
        largest_cluster_records: records of the largest person or account.
        held_share: share of the records in clusters that identity held for their size.
        match_rate: share of the records that share their id with another one.
        rejected_share: refused rows among the delivered ones; None when this run read no source.
        id_churn: share of the last release's records that have another id now, or that left with an id that ended.
        profiles: persons and accounts.
        rows: of the tables that a gate names.
    """

    largest_cluster_records: int
    held_share: float
    match_rate: float
    rejected_share: float | None
    id_churn: float
    profiles: int
    rows: Mapping[str, RowCount] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """The figures by name, as a run records them."""
        single = {name: value for name, value in vars(self).items() if name != "rows" and value is not None}
        counts = {f"rows.{name}": count.now for name, count in self.rows.items()}
        return {f"gates.{name}": float(value) for name, value in {**single, **counts}.items()}


def measure(context: RunContext, finished: Mapping[str, StageOutcome]) -> Figures:
    """Compute what the gates judge from the tables about to be published."""
    store, bounds = context.store, context.project.settings.gates.rows
    records, largest, matched = _cluster_figures(_without_visitors(store.read(UNIFIED_IDS)))
    held = store.read(IDENTITY_ISSUES).where(F.col(c.IDENTIFIER_TYPE) == c.RECORD_KEY).agg(F.sum(c.RECORD_COUNT))
    return Figures(
        largest_cluster_records=largest,
        held_share=int(held.collect()[0][0] or 0) / max(records, 1),
        match_rate=matched / max(records, 1),
        rejected_share=_rejected_share(finished),
        id_churn=_id_churn(context),
        profiles=_without_visitors(store.read(PROFILES)).count(),
        rows={name: _row_count(context, name) for name in bounds},
    )


def measured_before(
    context: RunContext, finished: Mapping[str, StageOutcome], versions: Mapping[str, int]
) -> Figures | None:
    """The figures of the last release where this run kept the tables that they are made from; else None.

    Args:
        context: of the run.
        finished: the run's stages.
        versions: of the gold tables about to be published.
    """
    last, names = context.last, [*context.project.settings.gates.rows]
    judged = {name: version for name, version in versions.items() if name in (*_JUDGED, *names)}
    same = last is not None and all(
        context.base_versions.get(name) == version == last.versions.get(name) for name, version in judged.items()
    )
    if last is None or not same or any(f"gates.rows.{name}" not in last.metrics for name in names):
        return None
    counts = {name: int(last.metrics[f"gates.rows.{name}"]) for name in names}
    return Figures(
        largest_cluster_records=int(last.metrics["gates.largest_cluster_records"]),
        held_share=last.metrics["gates.held_share"],
        match_rate=last.metrics["gates.match_rate"],
        rejected_share=_rejected_share(finished),
        id_churn=0.0,
        profiles=int(last.metrics["gates.profiles"]),
        rows={name: RowCount(count, count) for name, count in counts.items()},
    )


def closed_gates(figures: Figures, gates: Gates) -> list[str]:
    """The gates that a release may not pass: each with its figure and its bound."""
    share, size = figures.rejected_share or 0.0, figures.largest_cluster_records
    checks = (
        ("max_cluster_records", size <= gates.max_cluster_records, size, gates.max_cluster_records),
        ("max_held_share", figures.held_share <= gates.max_held_share, figures.held_share, gates.max_held_share),
        ("min_match_rate", figures.match_rate >= gates.min_match_rate, figures.match_rate, gates.min_match_rate),
        ("max_match_rate", figures.match_rate <= gates.max_match_rate, figures.match_rate, gates.max_match_rate),
        ("max_rejected_share", share <= gates.max_rejected_share, share, gates.max_rejected_share),
        ("max_id_churn", figures.id_churn <= gates.max_id_churn, figures.id_churn, gates.max_id_churn),
        ("min_profiles", figures.profiles >= gates.min_profiles, figures.profiles, gates.min_profiles),
        *(check for name, bounds in gates.rows.items() for check in _row_checks(name, figures.rows[name], bounds)),
    )
    return [_told(name, figure, bound) for name, passed, figure, bound in checks if not passed]


def _closed_quality_gates(context: RunContext) -> Iterator[str]:
    """The gates of data quality, which compare this run with that of the last release."""
    gates = context.project.settings.gates.quality
    ordinals = [context.ordinal, context.last.ordinal if context.last else -1]
    only = {c.ORDINAL: pa.array(ordinals, pa.int64())}
    rows = context.store.fetch(DATA_QUALITY, (c.ORDINAL, *MEASURE_COLUMNS), only=only) if gates else None
    if rows is not None:
        now, before = (measures_of(rows.filter(pc.field(c.ORDINAL) == ordinal)) for ordinal in ordinals)
        yield from closed_quality_gates(now, before, gates)


def _row_checks(table: str, count: RowCount, bounds: RowBounds) -> Iterator[tuple[str, bool, float, float]]:
    yield f"rows.{table}.min", count.now >= bounds.min, count.now, bounds.min
    if bounds.max is not None:
        yield f"rows.{table}.max", count.now <= bounds.max, count.now, bounds.max
    if bounds.max_change is not None and count.change is not None:
        yield f"rows.{table}.max_change", count.change <= bounds.max_change, count.change, bounds.max_change


def _told(name: str, figure: float, bound: float) -> str:
    least = name.rpartition(".")[2].startswith("min")
    shown = [f"{value:,}" if isinstance(figure, int) else f"{value:.2%}" for value in (figure, bound)]
    return f"gate {name} {shown[0]}, at {'least' if least else 'most'} {shown[1]}"


def _without_visitors(df: DataFrame) -> DataFrame:
    return df.where(F.col(c.ENTITY_TYPE) != _VISITOR)


def _cluster_figures(unified_ids: DataFrame) -> tuple[int, int, int]:
    """Records, records of the largest id, and records that share their id."""
    sizes = unified_ids.groupBy(c.UNIFIED_ID).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT))
    size = F.col(c.RECORD_COUNT)
    row = sizes.agg(F.sum(size), F.max(size), F.sum(F.when(size > 1, size))).collect()[0]
    return int(row[0] or 0), int(row[1] or 0), int(row[2] or 0)


def _row_count(context: RunContext, table: str) -> RowCount:
    spec = TABLES[table]
    before = context.read_released(spec).count() if table in context.base_versions else None
    return RowCount(context.store.read(spec).count(), before)


def _id_churn(context: RunContext) -> float:
    """The share of the last release's records that have another id now, or that left with an id that ended."""
    released = _without_visitors(context.read_released(UNIFIED_IDS))
    before = released.select(c.RECORD_KEY, F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    now = context.store.read(UNIFIED_IDS).select(c.RECORD_KEY, c.UNIFIED_ID)
    is_closed = F.col(c.STATUS) == CLOSED_STATUS
    closed = context.store.read(ID_REGISTRY).where(is_closed).select(F.col(c.UNIFIED_ID).alias(c.PREVIOUS_ID))
    joined = before.join(now, on=c.RECORD_KEY, how="left").join(
        closed.withColumn(_ENDED, F.lit(True)), on=c.PREVIOUS_ID, how="left"
    )
    has_other = F.col(c.UNIFIED_ID) != F.col(c.PREVIOUS_ID)
    lost = F.count_if(F.coalesce(has_other, F.col(_ENDED), F.lit(False)))
    counts = joined.agg(lost, F.count(F.lit(1))).collect()[0]
    return float(counts[0] / counts[1]) if counts[1] else 0.0


def _rejected_share(finished: Mapping[str, StageOutcome]) -> float | None:
    if "ingest" not in finished:
        return None
    metrics = finished["ingest"].metrics
    delivered = sum(value for name, value in metrics.items() if name.endswith(".rows_delivered"))
    rejected = sum(value for name, value in metrics.items() if name.endswith(".rows_rejected"))
    return rejected / delivered if delivered else 0.0
