"""The past as it was: what was known of each person at a time, and what came after.

A snapshot counts events until its time; its outcome is told by the events after it, `within_days` long. Snapshots are
that far apart, the newest one so far back that its outcomes are known, the oldest one so late that the longest window
is full. So what a model learns from is over before the hold-out begins: the newest snapshots judge it, the one before
calibrates it, the others teach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.insights.leads.features import DAY_US, build_features, read_events
from cdp_spark.normalise.text import plural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.insights.scores import OutcomeConfig, PopulationConfig, ScoreConfig
    from cdp_spark.insights.leads.features import Feature, PersonEvents

SNAPSHOT_ROWS = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.SNAPSHOT, pa.int32()),
        (c.OUTCOME, pa.bool_()),
        (c.FEATURES, pa.list_(pa.float64())),
    ]
)
"""One row a person and snapshot, numbered from the oldest."""
LEAST_SNAPSHOTS = 3


@dataclass(frozen=True)
class SnapshotPlan:
    """Which past a model learns from.

    Args:
        outcome: what is predicted.
        population: who is scored.
        features: that are counted.
        times_us: of the snapshots, ascending.
        one_in: of so many people one is taken, by a checksum of the id.
    """

    outcome: OutcomeConfig
    population: PopulationConfig
    features: tuple[Feature, ...]
    times_us: tuple[int, ...]
    one_in: int = 1


@dataclass(frozen=True)
class Split:
    """Numbers of the snapshots that teach, calibrate and judge."""

    learned: range
    calibrated: range
    judged: range


def snapshot_times(settings: ScoreConfig, *, first_us: int, until_us: int) -> tuple[int, ...]:
    """Return the times of the snapshots, ascending.

    Args:
        settings: of the score.
        first_us: of the first event, in microseconds since 1970.
        until_us: the clock; later events do not count.
    Raises: DataError: the events do not go back far enough.
    """
    apart, longest = settings.outcome.within_days * DAY_US, max(settings.features.windows_days)
    times = [until_us - apart * number for number in range(settings.snapshots, 0, -1)]
    kept = tuple(time for time in times if time >= first_us + longest * DAY_US)
    if len(kept) < LEAST_SNAPSHOTS:
        needed = longest + LEAST_SNAPSHOTS * settings.outcome.within_days
        days = max(until_us - first_us, 0) // DAY_US
        fix = "Load older events, or write shorter `windows_days` or `within_days`."
        said = (
            f"The events go back {plural(days, 'day')}. The model needs at least {needed}: a window of {longest} days "
            f"before the first of {LEAST_SNAPSHOTS} snapshots, {settings.outcome.within_days} days apart. {fix}"
        )
        got, allowed = f"events of {days} days", f"at least {needed} days"
        raise DataError(f"score {settings.name}", got=got, allowed=allowed, fix=fix, said=said)
    return kept


def split_snapshots(snapshots: int) -> Split:
    """Split by time: the newest quarter judges, the one before calibrates."""
    judged = snapshots - max(snapshots // 4, 1)
    return Split(range(judged - 1), range(judged - 1, judged), range(judged, snapshots))


def build_snapshots(rows: pa.Table, plan: SnapshotPlan) -> pa.Table:
    """Say what was known of people at each snapshot, and what came after.

    Args:
        rows: events of whole people, see `read_events`, with `entity_type`.
        plan: which past.
    Returns: SNAPSHOT_ROWS.
    """
    events = read_events(rows.filter(_taken(rows, plan.one_in)))
    parts = [_snapshot(events, plan, number) for number in range(len(plan.times_us))]
    return pa.concat_tables(parts) if parts else SNAPSHOT_ROWS.empty_table()


def find_population(events: PersonEvents, population: PopulationConfig, until_us: int) -> NDArray[np.int64]:
    """Return the positions of the people who are scored at a time.

    Args:
        events: of whole people.
        population: who is scored.
        until_us: the time.
    """
    recent = events.about(population.event_types)
    recent &= events.within(until_us - population.active_within_days * DAY_US, until_us)
    of_types = pc.is_in(events.kind, value_set=pa.array(population.entity_types, pa.string()))
    return np.flatnonzero(events.who(recent) & of_types.to_numpy(zero_copy_only=False))


def has_outcome(events: PersonEvents, outcome: OutcomeConfig, after_us: int) -> NDArray[np.bool_]:
    """Mark the people whose outcome came within its days after a time.

    Args:
        events: of whole people.
        outcome: what is predicted.
        after_us: the time.
    """
    found = events.about(outcome.event_types, outcome.categories)
    found &= events.within(after_us, after_us + outcome.within_days * DAY_US)
    return np.asarray(events.who(found) == outcome.happens, np.bool_)


def features_of(rows: pa.Table, features: int) -> NDArray[np.float64]:
    """Return the features of snapshot rows, one column a feature.

    Args:
        rows: SNAPSHOT_ROWS.
        features: how many there are.
    """
    flat = rows[c.FEATURES].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float64).reshape(rows.num_rows, features)


def _taken(rows: pa.Table, one_in: int) -> pa.Array:
    """Mark the rows of people who are taken: the same ones wherever and in whatever order the rows are."""
    ids = rows[c.UNIFIED_ID].combine_chunks().dictionary_encode()
    taken = [crc32(name.encode()) % one_in == 0 for name in ids.dictionary.to_pylist()]
    return pa.array(taken, pa.bool_()).take(ids.indices)


def _snapshot(events: PersonEvents, plan: SnapshotPlan, number: int) -> pa.Table:
    at = plan.times_us[number]
    who = find_population(events, plan.population, at)
    figures = build_features(events, plan.features, until_us=at)[who]
    offsets = pa.array(np.arange(len(who) + 1, dtype=np.int32) * len(plan.features))
    columns = [
        events.people.take(pa.array(who)),
        pa.array(np.full(len(who), number, np.int32)),
        pa.array(has_outcome(events, plan.outcome, at)[who]),
        pa.ListArray.from_arrays(offsets, pa.array(figures.ravel())),
    ]
    return pa.Table.from_arrays(columns, schema=SNAPSHOT_ROWS)
