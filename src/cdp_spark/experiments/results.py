"""Sums of outcomes to the rows of `experiment_results`, and what is to be said of them."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from cdp_spark import columns as c
from cdp_spark.config.experiments import CONTROL
from cdp_spark.experiments.lift import Comparison, Interval, Moments, compare, sample_ratio_p
from cdp_spark.limits import MISMATCH_P

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    import pyarrow as pa

    from cdp_spark.config.project import Project
    from cdp_spark.experiments.assign import Split
    from cdp_spark.experiments.outcomes import Measure

    Sums = Mapping[str, Any]
    Row = dict[str, Any]

PEOPLE, MISMATCH, UNKNOWN_RECORDS, UNKNOWN_ARMS, UNREAD_TIMES = (
    f"experiments.{name}."
    for name in ("people", "sample_ratio_p", "unknown_records", "unknown_arms", "unreadable_times")
)
"""Figures of an experiment: of its arms, and of rows of its file that could not be used."""
_UNUSED = {
    UNKNOWN_RECORDS: "of a record that is not known",
    UNKNOWN_ARMS: "of an arm that is not configured",
    UNREAD_TIMES: "without a readable time",
}
RATE, VALUE = "rate", "value"
_NAMES = tuple(field.name for field in fields(Moments))


def build_results(
    sums: pa.Table, *, measures: Mapping[str, Measure], splits: Mapping[str, Split], ended: Collection[str]
) -> list[Row]:
    """Compare each arm with control.

    Args:
        sums: from `add_sums`.
        measures: by experiment.
        splits: by experiment.
        ended: experiments that assign nobody any more.
    Returns: one row per experiment and configured arm, control first.
    """
    by_arm: defaultdict[str, defaultdict[str, list[Sums]]] = defaultdict(lambda: defaultdict(list))
    for row in sums.to_pylist():
        by_arm[row[c.EXPERIMENT]][row[c.ARM]].append(row)
    rows: list[Row] = []
    for name, measure in sorted(measures.items()):
        arms = sorted(splits[name].shares, key=lambda arm: (arm != CONTROL, arm))
        rows += _of_experiment(name, measure, {arm: by_arm[name][arm] for arm in arms}, is_ended=name in ended)
    return rows


def _of_experiment(name: str, measure: Measure, arms: Mapping[str, list[Sums]], *, is_ended: bool) -> Iterator[Row]:
    moments = {arm: Moments(**{it: sum(row[it] for row in rows) for it in _NAMES}) for arm, rows in arms.items()}
    done = {arm: sum(row[c.PEOPLE_DONE] for row in rows) for arm, rows in arms.items()}
    expected = expected_units(arms)
    p_value = sample_ratio_p({arm: it.units for arm, it in moments.items()}, expected)
    is_final = is_ended and all(done[arm] == it.people for arm, it in moments.items())
    for arm, it in moments.items():
        is_control = arm == CONTROL
        compared = Comparison("control") if is_control else compare(it, moments[CONTROL], measure.value)
        yield {
            c.EXPERIMENT: name,
            c.ARM: arm,
            c.KIND: RATE if measure.value == "any" else VALUE,
            c.PEOPLE: int(it.people),
            c.PEOPLE_DONE: int(done[arm]),
            c.UNITS: int(it.units),
            c.EXPECTED_UNITS: expected[arm],
            c.CONVERTED: int(it.converted),
            c.OUTCOME: float(it.outcome),
            c.MEAN: it.mean if it.people else None,
            c.STATUS: compared.status,
            **_interval(compared.difference, (c.DIFFERENCE, c.DIFFERENCE_LOW, c.DIFFERENCE_HIGH)),
            **_interval(compared.lift, (c.LIFT, c.LIFT_LOW, c.LIFT_HIGH)),
            c.SAMPLE_RATIO_P: p_value,
            c.IS_FINAL: is_final,
        }


def _interval(interval: Interval | None, names: tuple[str, str, str]) -> Row:
    return dict(zip(names, interval or (None, None, None), strict=True))


def expected_units(arms: Mapping[str, list[Sums]]) -> dict[str, float]:
    """How many units each arm would have if it were as large as its share, by the shares that each was drawn by."""
    drawn: defaultdict[str, float] = defaultdict(float)
    for rows in arms.values():
        for row in rows:
            drawn[row[c.SPLIT]] += row[c.UNITS]
    expected = dict.fromkeys(arms, 0.0)
    for split, units in drawn.items():
        for arm, percent in json.loads(split).items():
            if arm in expected:
                expected[arm] += units * percent / 100
    return expected


def figures_of(rows: Iterable[Row]) -> dict[str, float]:
    """The figures of a run by which it is warned."""
    return {f"{MISMATCH}{row[c.EXPERIMENT]}": p for row in rows if (p := row[c.SAMPLE_RATIO_P]) is not None}


def warn(_project: Project, figures: Mapping[str, float]) -> tuple[str, ...]:
    """Name experiments whose arms are not as large as they should be, and files with rows that could not be used."""
    found = []
    for name, value in sorted(figures.items()):
        experiment = name.rpartition(".")[2]
        if name.startswith(MISMATCH) and value < MISMATCH_P:
            found.append(
                f"experiment {experiment}: its arms are not as large as their shares (sample-ratio mismatch, "
                f"p = {value:.1g}); don't trust its lift before you know why"
            )
        else:
            lacks = next((words for prefix, words in _UNUSED.items() if name.startswith(prefix)), "")
            found += (
                [f"experiment {experiment}: rows of its file left out, {lacks}: {value:,.0f}"]
                if lacks and value
                else []
            )
    return tuple(found)
