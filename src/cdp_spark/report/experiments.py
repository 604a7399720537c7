"""Experiments as a report shows them: each arm's lift as a line from the lower to the upper end of its interval."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.limits import MISMATCH_P

if TYPE_CHECKING:
    import pyarrow as pa

_WIDEST = 3.0
"""Lift, or loss, at which a picture ends: an interval of a few people would squeeze all others."""


@dataclass(frozen=True)
class LiftFact:
    """The lift of an arm: its interval, and where it is drawn on a line from 0 to 100."""

    value: float
    low: float
    high: float
    at: float
    left: float
    right: float


@dataclass(frozen=True)
class ArmFact:
    """An arm of an experiment; the mean is None without people, the lift where nothing can be told."""

    name: str
    status: str
    people: int
    mean: float | None
    lift: LiftFact | None


@dataclass(frozen=True)
class ExperimentFact:
    """An experiment in the release.

    Args:
        name: of the experiment.
        is_rate: whether the outcome is a share of people.
        is_final: whether it ended and all windows are over.
        is_mismatched: whether the arms are not as large as their shares.
        zero: where no lift is on the line from 0 to 100.
        arms: control first.
    """

    name: str
    is_rate: bool
    is_final: bool
    is_mismatched: bool
    zero: float
    arms: tuple[ArmFact, ...]


def read_experiments(results: pa.Table) -> tuple[ExperimentFact, ...]:
    """Read the rows of `experiment_results`."""
    rows = sorted(results.to_pylist(), key=lambda it: (it[c.EXPERIMENT], it[c.STATUS] != "control", it[c.ARM]))
    return tuple(_experiment(name, list(those)) for name, those in groupby(rows, key=lambda it: str(it[c.EXPERIMENT])))


def _experiment(name: str, rows: list[dict[str, Any]]) -> ExperimentFact:
    known = [row for row in rows if row[c.LIFT] is not None]
    low = max(min([0.0, *(row[c.LIFT_LOW] for row in known)]), -_WIDEST)
    high = min(max([0.0, *(row[c.LIFT_HIGH] for row in known)]), _WIDEST)

    def place(lift: float) -> float:
        return 100 * (min(max(lift, low), high) - low) / (high - low) if high > low else 50.0

    def lift_of(row: dict[str, Any]) -> LiftFact | None:
        values = [row[it] for it in (c.LIFT, c.LIFT_LOW, c.LIFT_HIGH)]
        return None if values[0] is None else LiftFact(*values, *map(place, values))

    arms = tuple(ArmFact(row[c.ARM], row[c.STATUS], row[c.PEOPLE], row[c.MEAN], lift_of(row)) for row in rows)
    first = rows[0]
    p_value = first[c.SAMPLE_RATIO_P]
    is_mismatched = p_value is not None and p_value < MISMATCH_P
    return ExperimentFact(name, first[c.KIND] == "rate", first[c.IS_FINAL], is_mismatched, place(0.0), arms)
