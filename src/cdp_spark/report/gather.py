"""The tables of a run to the figures of its report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.report.behaviour import read_funnels, read_retention
from cdp_spark.report.data import (
    Change,
    Count,
    EntityCount,
    ExportFact,
    ReportData,
    SegmentFact,
    StageFact,
    WeightBin,
)
from cdp_spark.report.experiments import read_experiments
from cdp_spark.report.flows import add_flows, read_sources, read_unread_values
from cdp_spark.report.histograms import (
    BIN_BITS,
    LARGEST_CLASS,
    LOWEST,
    PAIRS,
    PROFILES_OF_CLASS,
    SIZE_CLASS,
    SIZE_CLASSES,
    build_size_classes,
    build_weight_bins,
)
from cdp_spark.report.quality import read_quality
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    DELIVERIES,
    EXPERIMENT_RESULTS,
    FUNNELS,
    ID_CHANGES,
    PAIR_SCORES,
    RETENTION,
    RUNS,
    SEGMENT_CHANGES,
    SEGMENT_MEMBERS,
    UNIFIED_IDS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyarrow as pa
    from pyspark.sql import DataFrame, Row

    from cdp_spark.report.accuracy import Accuracy
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

_WHOLE_RUN = "run"
_COMPARED = {"profiles": "profiles:", "segments": "members of"}
"""Stages whose figures (`profiles.person`) are compared with the previous release's, and what they are called."""


@dataclass(frozen=True)
class _Released:
    store: Store
    versions: Mapping[str, int]

    def read(self, spec: TableSpec) -> DataFrame:
        if spec.name not in self.versions:
            return self.store.spark.createDataFrame([], spec.schema)
        return self.store.read(spec, version=self.versions[spec.name])

    def fetch(self, spec: TableSpec) -> pa.Table:
        if spec.name not in self.versions:
            return spec.table([])
        return self.store.fetch(spec, version=self.versions[spec.name])


def build_report_data(
    store: Store, run_id: str, versions: Mapping[str, int], *, accuracy: tuple[Accuracy, ...] = ()
) -> ReportData:
    """Gather what a run came to; only aggregates are brought to the driver.

    Args:
        store: the warehouse.
        run_id: of a run that has begun.
        versions: Delta version of each table of the release to show; a table that it does not name has no rows.
        accuracy: against a truth, where there is one.
    Returns: the figures of the report.
    Raises: StateError: no such run.
    """
    states = store.read(RUNS).where(F.col(c.RUN_ID) == run_id).orderBy(c.AT).collect()
    if not states:
        raise StateError(f"run {run_id}", got="no such run", fix="`cdp runs` lists them")
    released, ordinal = _Released(store, versions), int(states[0][c.ORDINAL])
    finished = [row for row in states if row[c.STATUS] == "finished" and row[c.STAGE] != _WHOLE_RUN]
    figures: dict[str, Callable[[], Any]] = {
        "weights": lambda: read_weights(store.read(PAIR_SCORES)),
        "entities": lambda: read_entities(released.read(UNIFIED_IDS)),
        "segments": lambda: with_empty_segments(
            read_segments(released.read(SEGMENT_MEMBERS), released.read(SEGMENT_CHANGES), release=ordinal),
            _metrics_of(finished, "segments"),
        ),
        "exports": lambda: read_exports(store.read(DELIVERIES).where(F.col(c.RUN_ID) == run_id)),
        "id_changes": lambda: read_id_changes(released.read(ID_CHANGES), release=ordinal),
        "changes": lambda: read_changes(store.read(RUNS), ordinal),
    }
    sources = read_sources(_metrics_of(finished, "ingest"))
    source_quality, field_quality = read_quality(store, ordinal)
    return ReportData(
        run_id=run_id,
        release=ordinal,
        as_of=states[0][c.AS_OF].astimezone(UTC),
        stages=tuple(StageFact(row[c.STAGE], row[c.SECONDS] or 0.0, row[c.DETAIL] or "") for row in finished),
        warnings=tuple(warning for row in finished for warning in row[c.WARNINGS] or ()),
        sources=sources,
        all_sources=add_flows(sources),
        unread_values=read_unread_values(_metrics_of(finished, "ingest"), _metrics_of(finished, "standardise")),
        source_quality=source_quality,
        field_quality=field_quality,
        accuracy=accuracy,
        funnels=read_funnels(released.fetch(FUNNELS)),
        retention=read_retention(released.fetch(RETENTION)),
        experiments=read_experiments(released.fetch(EXPERIMENT_RESULTS)),
        **run_together(store.spark, figures),
    )


def _metrics_of(finished: list[Row], stage: str) -> dict[str, float]:
    return {name: value for row in finished if row[c.STAGE] == stage for name, value in (row[c.METRICS] or {}).items()}


def read_weights(pair_scores: DataFrame) -> tuple[WeightBin, ...]:
    """The match-weight histogram, with its empty bins."""
    pairs = {row[LOWEST]: row[PAIRS] for row in build_weight_bins(pair_scores).collect()}
    if not pairs:
        return ()
    return tuple(WeightBin(low, pairs.get(low, 0)) for low in range(min(pairs), max(pairs) + 1, BIN_BITS))


def read_entities(unified_ids: DataFrame) -> tuple[EntityCount, ...]:
    """Records and profiles by entity type, and profiles by size."""
    rows = build_size_classes(unified_ids).collect()
    types = sorted({row[c.ENTITY_TYPE] for row in rows})
    return tuple(_entity(name, [row for row in rows if row[c.ENTITY_TYPE] == name]) for name in types)


def _entity(entity_type: str, rows: list[Row]) -> EntityCount:
    profiles = {row[SIZE_CLASS]: int(row[PROFILES_OF_CLASS]) for row in rows}
    labels = [*(label for _, label in SIZE_CLASSES), LARGEST_CLASS]
    sizes = tuple(Count(label, profiles[label]) for label in labels if label in profiles)
    return EntityCount(entity_type, int(sum(row[c.RECORD_COUNT] for row in rows)), sum(profiles.values()), sizes)


def read_segments(members: DataFrame, changes: DataFrame, *, release: int) -> tuple[SegmentFact, ...]:
    """Sizes of the segments, and who came and went with a release."""
    sizes = members.groupBy(c.SEGMENT).agg(F.count_if(F.col(c.EXITED_AT).isNull()).alias("members"))
    moved = changes.where(F.col(c.RELEASE) == release).groupBy(c.SEGMENT)
    counts = moved.agg(*[F.count_if(F.col(c.CHANGE) == kind).alias(kind) for kind in ("enter", "exit")])
    rows = sizes.join(counts, on=c.SEGMENT, how="left").na.fill(0).orderBy(c.SEGMENT).collect()
    return tuple(SegmentFact(row[c.SEGMENT], row["members"], row["enter"], row["exit"]) for row in rows)


def with_empty_segments(segments: tuple[SegmentFact, ...], metrics: Mapping[str, float]) -> tuple[SegmentFact, ...]:
    """Add the segments that never had a member, known from figures of the segments stage such as `segments.gold`."""
    known = {it.name: it for it in segments}
    names = {name.removeprefix("segments.") for name in metrics if name.startswith("segments.")}
    return tuple(known.get(name, SegmentFact(name, 0)) for name in sorted(names | known.keys()))


def read_changes(runs: DataFrame, ordinal: int) -> tuple[Change, ...]:
    """Compare the numbers of profiles and members with those of the previous release.

    Args:
        runs: the run log.
        ordinal: of the run and its release.
    Returns: what either has, by name; nothing without a release before.
    """
    done = runs.where((F.col(c.STATUS) == "finished") & (F.col(c.ORDINAL) <= ordinal))
    rows = done.where(F.col(c.STAGE).isin(*_COMPARED, "publish")).orderBy(c.AT).collect()
    released = {int(row[c.ORDINAL]) for row in rows if row[c.STAGE] == "publish"}
    previous = max((it for it in released if it < ordinal), default=None)
    if previous is None:
        return ()
    before, now = (_compared([row for row in rows if row[c.ORDINAL] == it]) for it in (previous, ordinal))
    names = sorted(before.keys() | now.keys())
    return tuple(Change(name, before.get(name, 0), now.get(name, 0)) for name in names)


def _compared(rows: list[Row]) -> dict[str, int]:
    figures = {name: value for stage in _COMPARED for name, value in _metrics_of(rows, stage).items()}
    parts = {name: name.partition(".") for name in figures}
    return {
        f"{_COMPARED[stage]} {what}": int(figures[name])
        for name, (stage, _, what) in parts.items()
        if stage in _COMPARED
    }


def read_exports(deliveries: DataFrame) -> tuple[ExportFact, ...]:
    """Collect the deliveries of a run or release."""
    names = (c.DESTINATION, c.SEGMENT, c.STATUS, c.ROW_COUNT, c.WITHHELD_COUNT, c.LOCATION, c.WITHHELD_BY)
    rows = deliveries.select(*names).orderBy(c.DESTINATION, c.SEGMENT).collect()
    facts = [ExportFact(*row[: len(names) - 1]) for row in rows]
    return tuple(replace(it, reasons=_reasons(row[c.WITHHELD_BY])) for it, row in zip(facts, rows, strict=True))


def _reasons(withheld: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(withheld.items()))


def read_id_changes(id_changes: DataFrame, *, release: int) -> tuple[Count, ...]:
    """Records whose id changed with a release, by change and cause."""
    kinds = id_changes.where(F.col(c.RELEASE) == release).groupBy(c.CHANGE, c.CAUSE).count()
    rows = kinds.orderBy(c.CHANGE, c.CAUSE).collect()
    return tuple(Count(f"{row[c.CHANGE]} ({row[c.CAUSE]})", row["count"]) for row in rows)
