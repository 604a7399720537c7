"""A person's way to conversions: the sessions before each, and their credit.

1. A step is a session that counts as a touch, or a conversion. `sort_steps` puts each person's in the order of time; a
   session that begins with its conversion comes before it.
2. `find_touches` gives each conversion the sessions that began within the lookback before it.
3. `credit_conversions` shares each conversion among its touches, once a model.
4. `count_steps` counts how journeys go from channel to channel, for the data-driven model. A journey ends with a
   conversion, or with nothing where the next touch or conversion is further away than the lookback.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.groups import changes
from cdp_spark.insights.attribution import AttributionRules, credit_touches
from cdp_spark.insights.markov import count_transitions
from cdp_spark.limits import TOUCHES_A_CONVERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cdp_spark.config.insights.behaviour import AttributionModel

    Integers = NDArray[np.int64]

UTC = pa.timestamp("us", tz="UTC")
VALUES = pa.decimal128(18, 4)
STEPS = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.OCCURRED_AT, UTC),
        (c.CONVERTED, pa.bool_()),
        (c.EVENT_KEY, pa.string()),
        (c.CHANNEL, pa.string()),
        (c.CAMPAIGN, pa.string()),
        (c.VALUE, VALUES),
    ]
)
"""One row a session (its id, start, channel and campaign) or conversion (its event key, time and value)."""
CREDITS = pa.schema(
    [
        (c.CONVERSION_KEY, pa.string()),
        (c.MODEL, pa.string()),
        (c.SESSION_ID, pa.string()),
        (c.UNIFIED_ID, pa.string()),
        (c.CONVERTED_AT, UTC),
        (c.STARTED_AT, UTC),
        (c.CHANNEL, pa.string()),
        (c.CAMPAIGN, pa.string()),
        (c.SHARE, pa.float64()),
        (c.VALUE, VALUES),
    ]
)


@dataclass(frozen=True)
class Lookback:
    """How far before a conversion a touch counts.

    Args:
        time: from the touch to the conversion; one that is as long counts.
        touches: of a conversion at most, the last ones.
    """

    time: timedelta = timedelta(days=30)
    touches: int = TOUCHES_A_CONVERSION

    @property
    def microseconds(self) -> int:
        """The time."""
        return self.time // timedelta(microseconds=1)


def sort_steps(steps: pa.Table) -> pa.Table:
    """Put steps in the order that the other functions want; ties end on the key."""
    order = [c.UNIFIED_ID, c.OCCURRED_AT, c.CONVERTED, c.EVENT_KEY]
    return steps.select(STEPS.names).cast(STEPS).sort_by([(name, "ascending") for name in order]).combine_chunks()


def find_touches(steps: pa.Table, lookback: Lookback) -> pa.Table:
    """List the touches of each conversion.

    Args:
        steps: as `sort_steps` puts them; whole persons.
        lookback: how far back they count.
    Returns: one row a conversion and touch, as `credit_touches` wants them; a conversion without a touch has none.
    """
    converted = _converted(steps)
    touch_rows, conversion_rows = np.flatnonzero(~converted), np.flatnonzero(converted)
    last = np.cumsum(~converted)[conversion_rows]
    people, times = _people(steps), _microseconds(steps)
    first = _first_since(people, times, touch_rows, conversion_rows, lookback.microseconds)
    first = np.maximum(np.minimum(first, last), last - lookback.touches)
    counts = last - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    touches = steps.take(pa.array(touch_rows[np.repeat(first, counts) + within]))
    conversions = steps.take(pa.array(np.repeat(conversion_rows, counts)))
    listed = {
        c.CONVERSION_KEY: conversions[c.EVENT_KEY],
        c.CONVERTED_AT: conversions[c.OCCURRED_AT],
        c.SESSION_ID: touches[c.EVENT_KEY],
        **{name: touches[name] for name in (c.UNIFIED_ID, c.OCCURRED_AT, c.CHANNEL, c.CAMPAIGN)},
        c.VALUE: conversions[c.VALUE],
    }
    order = [c.CONVERSION_KEY, c.OCCURRED_AT, c.SESSION_ID]
    return pa.table(listed).sort_by([(name, "ascending") for name in order])


def credit_conversions(touches: pa.Table, rules: Sequence[AttributionRules]) -> pa.Table:
    """Share conversions among their touches.

    Args:
        touches: as `find_touches` lists them.
        rules: one a model.
    Returns: CREDITS; a touch without a share has no row.
    """
    parts = [_credits_of(touches, each) for each in rules] if touches.num_rows else []
    return pa.concat_tables([CREDITS.empty_table(), *parts])


def rules_of(
    models: Sequence[AttributionModel], *, half_life: timedelta, direct: frozenset[str], effects: Mapping[str, float]
) -> tuple[AttributionRules, ...]:
    """Make the rules of several models; the data-driven one is left out where there are no effects.

    Args:
        models: their names.
        half_life: of `time_decay`.
        direct: channels that `last_non_direct` passes over.
        effects: of the data-driven model.
    """
    wanted = [model for model in models if model != "data_driven" or effects]
    return tuple(AttributionRules(model, half_life=half_life, direct=direct, effects=effects) for model in wanted)


def count_steps(steps: pa.Table, lookback: Lookback) -> pa.Table:
    """Count the transitions of all journeys, converted or not.

    Args:
        steps: as `sort_steps` puts them; whole persons.
        lookback: what ends a journey.
    Returns: as of `count_transitions`; counts of several batches add up.
    """
    converted = _converted(steps)
    rows = np.flatnonzero(~converted)
    touches, times, conversions = steps.take(pa.array(rows)), _microseconds(steps), np.cumsum(converted)[rows]
    begins = changes(touches, [c.UNIFIED_ID]) | (np.diff(conversions) > 0)
    begins |= np.diff(times[rows]) > lookback.microseconds
    journeys = np.cumsum(np.append(0, begins)) if len(rows) else rows
    ends = np.flatnonzero(np.append(begins, True))[: len(rows)] if len(rows) else rows
    following = np.minimum(rows[ends] + 1, max(len(converted) - 1, 0))
    people = _people(steps)
    leads = converted[following] & (people[following] == people[rows[ends]])
    leads &= times[following] - times[rows[ends]] <= lookback.microseconds
    named = {c.JOURNEY_KEY: journeys, c.CHANNEL: touches[c.CHANNEL], c.CONVERTED: pa.array(leads[journeys], pa.bool_())}
    return count_transitions(pa.table(named))


def _first_since(people: Integers, times: Integers, touches: Integers, conversions: Integers, span: int) -> Integers:
    """For each conversion the number of its person's first touch that is not older than the lookback."""
    since = times[conversions] - span
    distinct, ranks = np.unique(np.append(times[touches], since), return_inverse=True)
    keys = np.append(people[touches], people[conversions]) * (len(distinct) + 1) + ranks
    return np.asarray(np.searchsorted(keys[: len(touches)], keys[len(touches) :], side="left"), dtype=np.int64)


def _credits_of(touches: pa.Table, rules: AttributionRules) -> pa.Table:
    credited = credit_touches(touches, rules)
    shared = credited.append_column(c.MODEL, pa.repeat(rules.model, credited.num_rows))
    shared = shared.filter(pc.greater(shared[c.CREDIT], 0.0)).drop_columns([c.VALUE])
    names = {c.OCCURRED_AT: c.STARTED_AT, c.CREDIT: c.SHARE, c.CREDITED_VALUE: c.VALUE}
    shared = shared.rename_columns([names.get(name, name) for name in shared.column_names]).select(CREDITS.names)
    return shared.set_column(shared.num_columns - 1, c.VALUE, as_values(shared[c.VALUE].to_numpy())).cast(CREDITS)


def as_values(amounts: NDArray[np.float64]) -> pa.Array:
    """Amounts as decimals of four places."""
    return pa.array(np.round(amounts, 4)).cast(pa.decimal128(38, 4)).cast(VALUES)


def _converted(steps: pa.Table) -> NDArray[np.bool_]:
    return np.asarray(steps[c.CONVERTED].to_numpy(zero_copy_only=False), dtype=np.bool_)


def _people(steps: pa.Table) -> Integers:
    """Number of each row's person."""
    return np.cumsum(np.append(0, changes(steps, [c.UNIFIED_ID])))[: steps.num_rows].astype(np.int64)


def _microseconds(steps: pa.Table) -> Integers:
    return np.asarray(steps[c.OCCURRED_AT].cast(UTC).cast(pa.int64()).to_numpy(), dtype=np.int64)
