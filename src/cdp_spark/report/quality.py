"""Measures of data quality to the rows of the report."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.report.data import FieldQuality, SourceQuality
from cdp_spark.tables.catalog import DATA_QUALITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

    from cdp_spark.tables.store import Store

    Figures = Mapping[str, float]

_COLUMNS = (c.ORDINAL, c.SOURCE, c.FIELD, c.MEASURE, c.VALUE)


def read_quality(store: Store, ordinal: int) -> tuple[tuple[SourceQuality, ...], tuple[FieldQuality, ...]]:
    """Read a run's measures, with those of the run before that has some.

    Args:
        store: the warehouse.
        ordinal: of the run.
    Returns: the sources and their fields, by name; none where the run measured nothing.
    """
    rows = store.fetch(DATA_QUALITY, _COLUMNS)
    earlier = rows.filter(pc.field(c.ORDINAL) < ordinal)[c.ORDINAL]
    now = _by_field(rows.filter(pc.field(c.ORDINAL) == ordinal))
    before = _by_field(rows.filter(pc.field(c.ORDINAL) == pc.max(earlier)) if len(earlier) else rows.slice(0, 0))
    return tuple(_sources(now)), tuple(_fields(now, before))


def _by_field(rows: pa.Table) -> dict[tuple[str, str], dict[str, float]]:
    """Measures by source and field; the field of a whole source is empty."""
    found: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in rows.to_pylist():
        found[row[c.SOURCE], row[c.FIELD] or ""][row[c.MEASURE]] = row[c.VALUE]
    return dict(sorted(found.items()))


def _sources(now: Mapping[tuple[str, str], Figures]) -> Iterable[SourceQuality]:
    names = ("freshness_days", "rows_delivered", "volume_ratio", "rejected_share")
    for (source, field), figures in now.items():
        if not field:
            yield SourceQuality(source, figures.get("rows"), *(figures.get(name) for name in names))


def _fields(
    now: Mapping[tuple[str, str], Figures], before: Mapping[tuple[str, str], Figures]
) -> Iterable[FieldQuality]:
    for (source, field), figures in now.items():
        last = before.get((source, field), {}).get("completeness")
        if field:
            yield FieldQuality(
                source, field, figures["completeness"], figures.get("validity"), figures.get("uniqueness"), last
            )
