"""How far people get in a funnel: ordered steps within a time.

1. Each event has a mask of the steps that it is; events of no step do not come here.
2. A person's events are read in the order of time. An event that is step k carries on every attempt that has come to
   step k-1 within the window; of several the one that began last, as it has most time left. An event is one step.
3. The person counts for all steps up to the furthest, with the value of the event that began the first attempt that
   came so far. `count_funnel` counts people by value and step; counts of several batches add up.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.groups import group_starts, require_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdp_spark.config.insights.behaviour import FunnelConfig

ALL, NONE = "(all)", "(none)"
"""What stands for everybody, and for an event or profile without the value that a funnel is split by."""
MASK = "step_mask"
REACHED = pa.schema([(c.BY_VALUE, pa.string()), (c.STEP, pa.int32()), (c.PROFILES, pa.int64())])
"""One row a value and step, from 1: the profiles that came at least so far."""
FUNNEL_ROWS = pa.schema(
    [
        (c.NAME, pa.string()),
        (c.BY_VALUE, pa.string()),
        (c.STEP, pa.int32()),
        (c.STEP_NAME, pa.string()),
        (c.PROFILES, pa.int64()),
    ]
)
Attempt = tuple[int, str | None]
"""When an attempt began, in microseconds, and the value of its first event."""


def count_funnel(events: pa.Table, *, steps: int, window: int) -> pa.Table:
    """Count how many profiles come how far.

    Args:
        events: `unified_id`, `occurred_at_utc`, `step_mask` (bit k for step k+1) and `by_value`, sorted by `unified_id`
            and `occurred_at_utc`; whole profiles.
        steps: how many there are.
        window: microseconds from the first step to the last; an attempt that takes as long counts.
    Returns: REACHED.
    Raises: ContractError: the events are not sorted.
    """
    require_order(events, [c.UNIFIED_ID, c.OCCURRED_AT], where="events")
    times = events[c.OCCURRED_AT].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    masks, values = events[MASK].to_pylist(), events[c.BY_VALUE].to_pylist()
    starts = group_starts(events, [c.UNIFIED_ID]).tolist()
    counts: dict[tuple[str, int], int] = {}
    for first, end in itertools.pairwise([*starts, events.num_rows]):
        rows = zip(times[first:end], masks[first:end], values[first:end], strict=True)
        for step, attempt in enumerate(_furthest(list(rows), steps, window), start=1):
            key = (attempt or NONE, step)
            counts[key] = counts.get(key, 0) + 1
    listed = [(value, step, number) for (value, step), number in counts.items()]
    columns = list(zip(*listed, strict=True)) or [()] * len(REACHED)
    return pa.table([pa.array(it, field.type) for it, field in zip(columns, REACHED, strict=True)], schema=REACHED)


def _furthest(rows: Sequence[tuple[int, int, str | None]], steps: int, window: int) -> list[str | None]:
    """The value of the attempt that came furthest, once a step that it came to; nothing where none began."""
    latest: list[Attempt | None] = [None] * steps
    reached: list[str | None] = []
    for time, mask, value in rows:
        for step in range(steps - 1, -1, -1):
            before = latest[step - 1] if step else (time, value)
            if not mask >> step & 1 or before is None or time - before[0] > window:
                continue
            latest[step] = before
            if step >= len(reached):
                reached = [before[1]] * (step + 1)
    return reached


def funnel_rows(reached: pa.Table, config: FunnelConfig) -> pa.Table:
    """Make a funnel's rows: every step of everybody, and of each value where it is split.

    Args:
        reached: REACHED of all profiles, each value and step once.
        config: the funnel.
    Returns: FUNNEL_ROWS, the values with the most profiles first.
    """
    counts = {(row[c.BY_VALUE], row[c.STEP]): row[c.PROFILES] for row in reached.to_pylist()}
    steps = range(1, len(config.steps) + 1)
    begun = {value: number for (value, step), number in counts.items() if step == 1 and number > 0}
    values = sorted(begun, key=lambda value: (-begun[value], value)) if config.by else []
    whole = {step: sum(number for (_, at), number in counts.items() if at == step) for step in steps}
    rows = [(ALL, step, whole[step]) for step in steps]
    rows += [(value, step, counts.get((value, step), 0)) for value in values for step in steps]
    named = [(config.name, value, step, config.steps[step - 1].label, number) for value, step, number in rows]
    columns = zip(*named, strict=True)
    return pa.table([pa.array(it, field.type) for it, field in zip(columns, FUNNEL_ROWS, strict=True)], FUNNEL_ROWS)


def sort_events(events: pa.Table) -> pa.Table:
    """Put events in the order of profile and time; ties end on the event's key."""
    order = [c.UNIFIED_ID, c.OCCURRED_AT, c.EVENT_KEY]
    return events.sort_by([(name, "ascending") for name in order]).combine_chunks()


def microseconds(days: float) -> int:
    """A time in days."""
    return int(np.rint(days * 86_400_000_000))
