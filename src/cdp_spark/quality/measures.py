"""Counts of a source's current rows to measures, and what a measure usually is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

ROWS, FRESHNESS = "rows", "freshness_days"
DELIVERED, REJECTED_SHARE, VOLUME_RATIO = "rows_delivered", "rejected_share", "volume_ratio"
COMPLETENESS, VALIDITY, UNIQUENESS = "completeness", "validity", "uniqueness"
MEASURE_COLUMNS = (c.SOURCE, c.FIELD, c.MEASURE, c.VALUE)
OF_SOURCES = (ROWS, FRESHNESS, DELIVERED, REJECTED_SHARE, VOLUME_RATIO)
OF_FIELDS = (COMPLETENESS, VALIDITY, UNIQUENESS)

USUAL_RUNS = 14
"""Earlier runs of which the median is the usual volume."""
LEAST_RUNS = 3
"""Earlier runs without which nothing is usual yet."""


@dataclass(frozen=True, order=True)
class Measure:
    """A measure of a source, or of a field of its current rows.

    Args:
        source: its name.
        field: None for the source as a whole.
        name: one of `OF_SOURCES` or `OF_FIELDS`.
        value: days for `freshness_days`, counts for `rows` and `rows_delivered`, else a share or a ratio.
    """

    source: str
    field: str | None
    name: str
    value: float


def measures_of(rows: pa.Table) -> list[Measure]:
    """Rows of `MEASURE_COLUMNS` as measures."""
    return [Measure(*row.values()) for row in rows.select(MEASURE_COLUMNS).to_pylist()]


@dataclass(frozen=True)
class FieldCount:
    """The values of a field in a source's current rows.

    Args:
        field: a column, or a key of a map column.
        values: rows that have a value.
        distinct: different values, about (HyperLogLog++, 5 % standard error).
        unread: values that could not be read or mean nothing.
    """

    field: str
    values: int
    distinct: int
    unread: int = 0


@dataclass(frozen=True)
class SourceCount:
    """The current rows of a source.

    Args:
        source: its name.
        rows: how many.
        newest: the latest time of a row; None where no row has one.
        fields: those with a value, or with one that could not be read.
    """

    source: str
    rows: int
    newest: datetime | None
    fields: tuple[FieldCount, ...] = ()


def field_measures(count: SourceCount, expected: Iterable[str]) -> Iterator[Measure]:
    """Measure the fields of a source: those that it should have, and those that it has.

    - completeness: share of the rows that have a value
    - validity: share of the given values that could be read
    - uniqueness: share of the values that are different ones, about

    Args:
        count: of the source's current rows; without a row there is nothing to measure.
        expected: fields that the source's settings name, or that it had before.
    """
    counted = {it.field: it for it in count.fields}
    if not count.rows:
        return
    for name in sorted({*expected, *counted}):
        field = counted.get(name, FieldCount(name, 0, 0))
        yield Measure(count.source, name, COMPLETENESS, field.values / count.rows)
        if field.values + field.unread:
            yield Measure(count.source, name, VALIDITY, field.values / (field.values + field.unread))
        if field.values:
            yield Measure(count.source, name, UNIQUENESS, min(field.distinct / field.values, 1.0))


def row_measures(count: SourceCount, *, as_of: datetime) -> Iterator[Measure]:
    """Measure how many current rows a source has, and how old the newest of them is."""
    yield Measure(count.source, None, ROWS, count.rows)
    if count.newest is not None:
        yield Measure(count.source, None, FRESHNESS, (as_of - count.newest) / timedelta(days=1))


def delivery_measures(figures: Mapping[str, float], earlier: Mapping[str, Sequence[float]]) -> Iterator[Measure]:
    """Measure what each source delivered to a run.

    Args:
        figures: of the run's ingest, such as `crm.rows_delivered`.
        earlier: source to the rows that it delivered to earlier runs, newest first.
    """
    for name, delivered in sorted(figures.items()):
        source, _, figure = name.rpartition(".")
        if figure != DELIVERED:
            continue
        yield Measure(source, None, DELIVERED, delivered)
        if delivered:
            yield Measure(source, None, REJECTED_SHARE, figures.get(f"{source}.rows_rejected", 0.0) / delivered)
        usual = usual_of(earlier.get(source, ()))
        if usual:
            yield Measure(source, None, VOLUME_RATIO, delivered / usual)


def usual_of(earlier: Sequence[float]) -> float | None:
    """Return the median of the last runs; None where there were too few.

    Args:
        earlier: figures of earlier runs, newest first.
    """
    return median(earlier[:USUAL_RUNS]) if len(earlier) >= LEAST_RUNS else None


def show_measure(name: str, value: float) -> str:
    """Show a measure's value as people read it: a count, days or a percentage."""
    if name in (ROWS, DELIVERED):
        return f"{value:,.0f}"
    return f"{value:,.1f} days" if name == FRESHNESS else f"{value:.1%}"
