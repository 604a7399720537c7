"""Funnels and cohorts as a report shows them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.report.data import Count

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

_ALL = "(all)"
_VALUES_SHOWN, _COHORTS_SHOWN = 12, 24


@dataclass(frozen=True)
class FunnelFact:
    """A funnel in the release.

    Args:
        name: of the funnel.
        steps: profiles that came at least so far, of all.
        values: the same by the value that it is split by, those with the most profiles first.
        more_values: how many values are not shown.
    """

    name: str
    steps: tuple[Count, ...]
    values: tuple[tuple[str, tuple[int, ...]], ...] = ()
    more_values: int = 0


@dataclass(frozen=True)
class CohortFact:
    """A cohort: its first day, its size, and the share that came in each period."""

    cohort: date
    profiles: int
    shares: tuple[float | None, ...]


@dataclass(frozen=True)
class RetentionFact:
    """A definition's newest cohorts, and the number of its periods."""

    name: str
    periods: int
    cohorts: tuple[CohortFact, ...]


def read_funnels(funnels: pa.Table) -> tuple[FunnelFact, ...]:
    """Read the rows of `funnels`."""
    rows = funnels.sort_by([(name, "ascending") for name in (c.NAME, c.BY_VALUE, c.STEP)]).to_pylist()
    return tuple(_funnel(name, list(those)) for name, those in groupby(rows, key=lambda row: str(row[c.NAME])))


def _funnel(name: str, rows: list[dict[str, Any]]) -> FunnelFact:
    steps = tuple(Count(row[c.STEP_NAME], row[c.PROFILES]) for row in rows if row[c.BY_VALUE] == _ALL)
    values: dict[str, tuple[int, ...]] = {}
    for row in rows:
        if row[c.BY_VALUE] != _ALL:
            values[row[c.BY_VALUE]] = (*values.get(row[c.BY_VALUE], ()), row[c.PROFILES])
    ordered = sorted(values.items(), key=lambda item: (-item[1][0], item[0]))
    return FunnelFact(name, steps, tuple(ordered[:_VALUES_SHOWN]), max(len(ordered) - _VALUES_SHOWN, 0))


def read_retention(retention: pa.Table) -> tuple[RetentionFact, ...]:
    """Read the rows of `retention`."""
    rows = retention.sort_by([(name, "ascending") for name in (c.NAME, c.COHORT, c.PERIOD)]).to_pylist()
    return tuple(_retention(name, list(those)) for name, those in groupby(rows, key=lambda row: str(row[c.NAME])))


def _retention(name: str, rows: list[dict[str, Any]]) -> RetentionFact:
    cohorts = []
    periods = max(row[c.PERIOD] for row in rows)
    for _, those in groupby(rows, key=lambda row: row[c.COHORT]):
        cells = {row[c.PERIOD]: row for row in those}
        first = cells[0]
        size = first[c.PROFILES]
        shares = [cells[it][c.RETURNED] / size if it in cells else None for it in range(periods + 1)]
        cohorts.append(CohortFact(first[c.COHORT], size, tuple(shares)))
    return RetentionFact(name, periods, tuple(cohorts[-_COHORTS_SHOWN:]))
