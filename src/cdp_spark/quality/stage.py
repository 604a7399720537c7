"""The quality stage: the sources' current rows and this run's deliveries → data_quality."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.quality.frames import RECORD_FIELDS, count_events, count_records
from cdp_spark.quality.measures import (
    DELIVERED,
    FRESHNESS,
    MEASURE_COLUMNS,
    OF_FIELDS,
    ROWS,
    USUAL_RUNS,
    Measure,
    SourceCount,
    delivery_measures,
    field_measures,
    measures_of,
    row_measures,
)
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import DATA_QUALITY, RECORDS, RUNS, SOURCE_EVENTS
from cdp_spark.tables.rows import texts
from cdp_spark.tables.run import StageResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.tables.run import RunContext

_INGEST = "ingest"
_COUNTED = (RECORDS, SOURCE_EVENTS)


def run(context: RunContext) -> StageResult:
    """Append this run's measures to `data_quality`; rows that did not change are not counted again."""
    basis, store = context.basis, context.store
    if basis is not None and all(store.version(it) == basis.read[it.name] for it in _COUNTED if store.exists(it)):
        measured, detail = _measured_before(context, basis.ordinal), f"rows unchanged since run {basis.ordinal}"
    else:
        measured, detail = list(_measure_rows(context)), ""
    measured += delivery_measures(_ingest_figures(context), _earlier_deliveries(context))
    rows = [
        (context.run_id, context.ordinal, context.as_of, it.source, it.field, it.name, it.value)
        for it in sorted(measured, key=lambda it: (it.source, it.field or "", it.name))
    ]
    application = context.application("quality", DATA_QUALITY)
    version = store.append(DATA_QUALITY, DATA_QUALITY.table(rows), application=application)
    return StageResult({DATA_QUALITY.name: version}, detail=detail)


def _measure_rows(context: RunContext) -> Iterator[Measure]:
    store = context.store
    counters = {
        RECORDS.name: lambda: count_records(store.read(RECORDS)),
        SOURCE_EVENTS.name: lambda: count_events(store.read(SOURCE_EVENTS)) if store.exists(SOURCE_EVENTS) else [],
    }
    counted: Mapping[str, list[SourceCount]] = run_together(store.spark, counters)
    expected = _expected_fields(context.project)
    for source, fields in _fields_before(context).items():
        expected[source] |= fields
    for count in (it for counts in counted.values() for it in counts):
        yield from row_measures(count, as_of=context.as_of)
        yield from field_measures(count, expected[count.source])


def _expected_fields(project: Project) -> defaultdict[str, set[str]]:
    """The fields that the sources' settings name as they are in the tables."""
    expected: defaultdict[str, set[str]] = defaultdict(set)
    for source in project.sources:
        named = {*source.columns, *source.attributes}
        expected[source.name] |= {it for it in named if it in RECORD_FIELDS or it in source.attributes}
        if source.events is not None:
            expected[source.name] |= {*source.events.identifiers}
    return expected


def _fields_before(context: RunContext) -> dict[str, set[str]]:
    """The fields that the sources had in the run of the last measures: one that nobody fills any more is told."""
    rows = _fetch_measures(context, context.last.ordinal) if context.last else []
    fields: defaultdict[str, set[str]] = defaultdict(set)
    for it in rows:
        fields[it.source] |= {it.field} if it.field is not None else set()
    return fields


def _measured_before(context: RunContext, ordinal: int) -> list[Measure]:
    """The measures of rows that an earlier run took, with their age by now."""
    aged = (context.as_of - context.basis.as_of) / timedelta(days=1) if context.basis else 0.0
    kept = (it for it in _fetch_measures(context, ordinal) if it.name in (*OF_FIELDS, ROWS, FRESHNESS))
    return [replace(it, value=it.value + aged) if it.name == FRESHNESS else it for it in kept]


def _fetch_measures(context: RunContext, ordinal: int) -> list[Measure]:
    only = {c.ORDINAL: pa.array([ordinal], pa.int64())}
    return measures_of(context.store.fetch(DATA_QUALITY, MEASURE_COLUMNS, only=only))


def _ingest_figures(context: RunContext) -> dict[str, float]:
    """The figures of this run's ingest; none where it read no source."""
    only = {c.RUN_ID: texts([context.run_id]), c.STAGE: texts([_INGEST])}
    rows: Iterable[Mapping[str, object]] = context.store.fetch(RUNS, (c.METRICS,), only=only).to_pylist()
    return {str(name): float(str(value)) for row in rows for name, value in _pairs(row[c.METRICS])}


def _pairs(figures: object) -> list[tuple[object, object]]:
    return list(figures) if isinstance(figures, list) else []


def _earlier_deliveries(context: RunContext) -> dict[str, list[float]]:
    """What each source delivered to earlier runs, newest first."""
    rows = context.store.fetch(DATA_QUALITY, (c.ORDINAL, c.SOURCE, c.VALUE), only={c.MEASURE: texts([DELIVERED])})
    rows = rows.filter(pc.field(c.ORDINAL) < context.ordinal).sort_by([(c.ORDINAL, "descending")])
    earlier: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows.to_pylist():
        if len(earlier[row[c.SOURCE]]) < USUAL_RUNS:
            earlier[row[c.SOURCE]].append(row[c.VALUE])
    return earlier
