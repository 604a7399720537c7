"""How often events of a person follow each other: A, then B within some time, without C between.

Chains do not overlap: once one is complete, the next one begins with a later event. So the earliest end counts, as in
ClickHouse's `sequenceCount` (https://clickhouse.com/docs/sql-reference/aggregate-functions/parametric-functions), and
no other choice of chains gives more. Of a chain that is not complete the latest beginning is kept for each number of
steps, because no earlier one can be complete in time where that one is not. Events of one time are in the order of
their keys.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cdp_spark.config.traits.definitions import Ages, Chain
    from cdp_spark.traits.batches import Bools, Events, Floats, Ints

_ENDS = -1
"""Code of an event that ends what is not complete."""


def follow_sequences(chain: Chain, ages: Ages, events: Events, people: int, carried: Floats | None) -> Floats:
    """Count the chains of each person.

    Args:
        chain: the steps.
        ages: of the events that count.
        events: a batch, sorted by person, time and key.
        people: in the batch, the carried one included.
        carried: the state of the first person after the batches before; None where there is none.
    Returns: shape (people, steps): how many chains, NaN for none; then, for 1 to all but one steps, when the latest
        chain of so many steps began, NaN for none.
    """
    state = np.full((people, len(chain.steps)), math.nan)
    if carried is not None:
        state[0] = carried[0]
    young = events.of_ages(ages)
    ends = young & events.passing(chain.without) if chain.without else np.zeros(len(young), np.bool_)
    steps = np.stack([young & ~ends & events.passing(step) for step in chain.steps])
    codes = np.where(ends, _ENDS, (steps.astype(np.int64) << np.arange(len(steps))[:, None]).sum(axis=0))
    rows = np.flatnonzero((codes != 0) & _may_be_complete(steps, events.groups, people)[events.groups])
    if not len(rows):
        return state
    groups = events.groups[rows]
    borders = np.flatnonzero(np.append(True, np.diff(groups) > 0))
    within = math.inf if chain.within_us is None else chain.within_us
    for start, stop in zip(borders, np.append(borders[1:], len(rows)), strict=True):
        own = rows[start:stop]
        state[groups[start]] = _follow(codes[own], events.times[own], state[groups[start]], within)
    return state


def _may_be_complete(steps: Bools, groups: Ints, people: int) -> Bools:
    """People with an event for every step; the first and the last one may have others in other batches."""
    there = np.stack([np.bincount(groups[step], minlength=people) > 0 for step in steps]).all(axis=0)
    return np.asarray(there | np.isin(np.arange(people), (0, people - 1)))


def _follow(codes: Ints, times: Ints, before: Floats, within: float) -> list[float]:
    """Go through the events of one person."""
    count, *begun = before.tolist()
    last = len(begun)
    for code, time in zip(codes.tolist(), times.tolist(), strict=True):
        if code == _ENDS:
            begun = [math.nan] * last
            continue
        for place in range(last, -1, -1):  # from the last step on, so that an event is one step only
            if not code >> place & 1:
                continue
            start = float(time) if place == 0 else begun[place - 1]
            if not time - start <= within:  # where there is none, too
                continue
            if place == last:
                count, begun = 1 + (0 if math.isnan(count) else count), [math.nan] * last
                break
            begun[place] = start if math.isnan(begun[place]) else max(begun[place], start)
    return [count, *begun]
