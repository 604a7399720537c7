"""What a channel is worth by the conversions lost without it (removal effect; Anderl et al. 2016).

1. `count_transitions` counts how journeys go from channel to channel, from the start to a conversion or to nothing. The
   counts of several batches add up.
2. `removal_effects` reads them as a Markov chain of first order: which share of all conversions would be lost if
   whoever comes to a channel went no further. Staying on a channel changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import DataError
from cdp_spark.groups import group_starts

if TYPE_CHECKING:
    from cdp_spark.insights.likelihood import Floats

START, CONVERSION, NOTHING = "(start)", "(conversion)", "(nothing)"
COUNTS = pa.schema([(c.FROM_STATE, pa.string()), (c.TO_STATE, pa.string()), (c.TRANSITIONS, pa.int64())])
"""One row a pair of states."""
NO_CHANNEL = "(none)"
"""A touch without a channel."""
OTHER_CHANNELS = "(other)"
"""The channels that are too rare to be looked at one by one."""


def count_transitions(touches: pa.Table) -> pa.Table:
    """Count the steps of journeys.

    Args:
        touches: `journey_key`, `channel` and `converted` (whether the journey ends in a conversion; the same in all its
            rows), the rows of a journey together and in order; whole journeys.
    Returns: COUNTS.
    """
    if not touches.num_rows:
        return COUNTS.empty_table()
    starts = group_starts(touches, [c.JOURNEY_KEY])
    ends = np.append(starts[1:], touches.num_rows) - 1
    channels = pc.fill_null(touches[c.CHANNEL].cast(pa.string()), NO_CHANNEL).combine_chunks()
    following = np.append(np.arange(1, touches.num_rows), 0)
    inner = np.setdiff1d(np.arange(touches.num_rows), ends, assume_unique=True)
    converted = touches[c.CONVERTED].combine_chunks().take(pa.array(ends))
    steps = [
        (pa.array([START] * len(starts), pa.string()), channels.take(pa.array(starts))),
        (channels.take(pa.array(inner)), channels.take(pa.array(following[inner]))),
        (channels.take(pa.array(ends)), pc.if_else(converted, CONVERSION, NOTHING)),
    ]
    columns = [pa.chunked_array([pair[side] for pair in steps], pa.string()) for side in (0, 1)]
    ones = pa.array(np.ones(len(columns[0]), dtype=np.int64))
    return add_transitions(pa.table([*columns, ones], schema=COUNTS))


def add_transitions(counts: pa.Table) -> pa.Table:
    """Add up counts of several batches put together.

    Args:
        counts: COUNTS, with a pair of states in several rows.
    """
    keys = [c.FROM_STATE, c.TO_STATE]
    added = counts.group_by(keys).aggregate([(c.TRANSITIONS, "sum")]).rename_columns(COUNTS.names)
    return added.sort_by([(key, "ascending") for key in keys]).cast(COUNTS)


def merge_rare_channels(counts: pa.Table, keep: int) -> pa.Table:
    """Count all but the most frequent channels as one.

    Args:
        counts: as `add_transitions` adds them up.
        keep: channels that stay apart; of equally frequent ones the first by name.
    """
    arrivals = counts.group_by(c.TO_STATE).aggregate([(c.TRANSITIONS, "sum")]).to_pylist()
    named = [(-row[f"{c.TRANSITIONS}_sum"], row[c.TO_STATE]) for row in arrivals]
    ordered = [state for _, state in sorted(named) if state not in (CONVERSION, NOTHING)]
    if len(ordered) <= keep:
        return counts
    rare = pa.array(ordered[keep:], pa.string())
    states = [pc.if_else(pc.is_in(counts[it], rare), OTHER_CHANNELS, counts[it]) for it in (c.FROM_STATE, c.TO_STATE)]
    return add_transitions(pa.table([*states, counts[c.TRANSITIONS]], schema=COUNTS))


def removal_effects(counts: pa.Table) -> dict[str, float]:
    """Return for each channel the share of conversions that would be lost without it.

    Args:
        counts: as `count_transitions` makes them.
    Raises: DataError: no journey converts.
    """
    channels, moves, converts = _chain(counts)
    whole = _conversion_rate(moves, converts)
    if not whole > 0:
        raise DataError("attribution", got="no journey with a conversion", fix="use another model until there are some")
    effects = {}
    for position, channel in enumerate(channels, start=1):
        kept = np.delete(np.arange(len(moves)), position)
        effects[channel] = float(1 - _conversion_rate(moves[np.ix_(kept, kept)], converts[kept]) / whole)
    return effects


def _chain(counts: pa.Table) -> tuple[list[str], Floats, Floats]:
    """Channels, and the probabilities to go from the start (0) and from each of them to each other and to convert."""
    before, after = (counts[name].to_pylist() for name in (c.FROM_STATE, c.TO_STATE))
    channels = sorted(set(before) - {START})
    numbers = {state: number for number, state in enumerate([START, *channels, CONVERSION, NOTHING])}
    steps = np.zeros((len(numbers), len(numbers)))
    np.add.at(steps, ([numbers[it] for it in before], [numbers[it] for it in after]), counts[c.TRANSITIONS].to_numpy())
    np.fill_diagonal(steps, 0.0)
    inner = len(channels) + 1
    shares = steps[:inner] / np.maximum(steps[:inner].sum(axis=1, keepdims=True), 1)
    return channels, shares[:, :inner], shares[:, inner]


def _conversion_rate(moves: Floats, converts: Floats) -> float:
    """Probability to reach a conversion from the start."""
    return float(np.linalg.solve(np.eye(len(moves)) - moves, converts)[0])
