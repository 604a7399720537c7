"""Events of people, sorted by person, to their traits: one pass over batches, whatever the size of a person.

1. A batch is summarised: each measure becomes one number, or a few counted or kept texts, for each person in it.
2. All people but the last are finished, and their values leave. The summary of the last one is carried to the next
   batch, and is part of its first person's summary where that is the same person.
3. After the last batch the carried person is finished.

So a person's events need not be in one batch, and memory is that of a batch and of one person's summary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.groups import group_numbers, group_starts
from cdp_spark.traits.batches import Events, Floats, Ints
from cdp_spark.traits.sequences import follow_sequences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cdp_spark.config.traits.definitions import Measure, Reduction, TraitDefinition


@dataclass(frozen=True)
class Entries:
    """Texts of people: counted ones, sorted by person, or kept ones in the order of time.

    Args:
        groups: the person of each.
        codes: the text of each, in the dictionary.
        counts: how often it was there.
        last_at: when last, in microseconds.
        dictionary: the texts.
    """

    groups: Ints
    codes: Ints
    counts: Floats
    last_at: Ints
    dictionary: pa.Array


Partial: TypeAlias = Floats | Entries
"""A measure of each person: a number, NaN for none, of a sequence with its state beside it; or texts."""


@dataclass(frozen=True)
class Summary:
    """People and their measures.

    Args:
        ids: of the people.
        results: what each measure comes to, for each of them.
    """

    ids: pa.Array
    results: Mapping[Measure, Partial]


@dataclass(frozen=True)
class Plan:
    """What a pass makes.

    Args:
        definitions: of the traits.
        as_of_us: the run's clock, in microseconds.
        expressions: expression to the column with its truth.
    """

    definitions: tuple[TraitDefinition, ...]
    as_of_us: int
    expressions: Mapping[str, str]

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All that the traits need, each once."""
        return tuple(dict.fromkeys(measure for it in self.definitions for measure in it.all_measures))

    @property
    def zone(self) -> str:
        """Where hours are when nothing is known of a person."""
        return next((it.zone[1] for it in self.definitions if it.zone), "UTC")


def summarise(batches: Iterable[pa.RecordBatch], plan: Plan) -> Iterator[Summary]:
    """Summarise people.

    Args:
        batches: of events with a unified_id, sorted by it, and by time and key where a measure depends on order.
        plan: of the pass.
    Returns: summaries in which each person is once.
    """
    carried: Summary | None = None
    for batch in batches:
        if batch.num_rows:
            head, carried = _split(_summary(batch, carried, plan))
            if len(head.ids):
                yield head
    if carried is not None:
        yield carried


def _summary(batch: pa.RecordBatch, carried: Summary | None, plan: Plan) -> Summary:
    """Summarise a batch; what was carried is the first person."""
    starts = group_starts(pa.Table.from_batches([batch]), [c.UNIFIED_ID])
    ids = batch[c.UNIFIED_ID].take(pa.array(starts)).cast(pa.string())
    groups = group_numbers(starts, batch.num_rows)
    if carried is not None and carried.ids[0] != ids[0]:
        ids, groups = pa.concat_arrays([carried.ids, ids]), groups + 1
    events = Events(batch, groups, plan.as_of_us, plan.expressions, plan.zone)
    return Summary(
        ids,
        {
            measure: _reduced(measure, events, len(ids), carried.results[measure] if carried else None)
            for measure in plan.measures
        },
    )


def _reduced(measure: Measure, events: Events, people: int, carried: Partial | None) -> Partial:
    if measure.chain is not None:
        before = carried if isinstance(carried, np.ndarray) else None
        return follow_sequences(measure.chain, measure.ages, events, people, before)
    places, groups = events.chosen(measure)
    if measure.is_text:
        own = _entries(measure, events, places, groups)
        rows = own if not isinstance(carried, Entries) else _after(carried, own)
        return _tallied(rows) if measure.reduction == "tally" else _kept(rows, measure)
    found = _numbers(measure, events, places, groups, people)
    if isinstance(carried, np.ndarray):
        found[0] = _merged(measure.reduction, float(carried[0]), float(found[0]))
    return found


def _numbers(measure: Measure, events: Events, places: Ints, groups: Ints, people: int) -> Floats:
    found = np.full(people, math.nan)
    if not len(places):
        return found
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    ends = np.append(starts[1:], len(groups))
    if measure.reduction in ("first_at", "last_at"):
        values = events.times[places].astype(np.float64)
    elif measure.reduction == "count":
        values = np.zeros(0)
    else:
        values = np.asarray(events.numbers(measure.column).numbers)[places]
    found[groups[starts]] = _REDUCE[measure.reduction](values, starts, ends)
    return found


_REDUCE: dict[str, Callable[[Floats, Ints, Ints], Floats]] = {
    "count": lambda _values, starts, ends: (ends - starts).astype(np.float64),
    "sum": lambda values, starts, _ends: np.add.reduceat(values, starts),
    "min": lambda values, starts, _ends: np.minimum.reduceat(values, starts),
    "max": lambda values, starts, _ends: np.maximum.reduceat(values, starts),
    "first": lambda values, starts, _ends: values[starts],
    "last": lambda values, _starts, ends: values[ends - 1],
    "first_at": lambda values, starts, _ends: np.minimum.reduceat(values, starts),
    "last_at": lambda values, starts, _ends: np.maximum.reduceat(values, starts),
}
"""Values of people, and where each person's begin and end, to one number a person."""


def _merged(reduction: Reduction, before: float, now: float) -> float:
    """One number of a person's earlier and later events."""
    if math.isnan(before) or math.isnan(now):
        return now if math.isnan(before) else before
    if reduction in ("count", "sum"):
        return before + now
    if reduction in ("min", "first_at"):
        return min(before, now)
    if reduction in ("max", "last_at"):
        return max(before, now)
    return before if reduction == "first" else now


def _entries(measure: Measure, events: Events, places: Ints, groups: Ints) -> Entries:
    values = events.values(measure.column)
    codes = np.asarray(values.codes)[places]
    times = events.times[places if values.rows is None else values.rows[places]]
    return Entries(groups, codes, np.ones(len(places)), times, values.dictionary)


def _after(carried: Entries, rows: Entries) -> Entries:
    """The carried texts and those of the batch behind them, in one dictionary."""
    known = rows.dictionary.cast(pa.string())
    found = pc.index_in(carried.dictionary, value_set=known)
    missing = carried.dictionary.filter(pc.is_null(found))
    dictionary = pa.concat_arrays([known, missing])
    places = pc.index_in(carried.dictionary, value_set=dictionary).to_numpy(zero_copy_only=False).astype(np.int64)
    return Entries(
        np.append(carried.groups, rows.groups),
        np.append(places[carried.codes], rows.codes),
        np.append(carried.counts, rows.counts),
        np.append(carried.last_at, rows.last_at),
        dictionary,
    )


def _tallied(rows: Entries) -> Entries:
    """Count each text of a person."""
    if not len(rows.codes):
        return rows
    keys = rows.groups * max(len(rows.dictionary), 1) + rows.codes
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(keys[order]) > 0))
    first = order[starts]
    return Entries(
        rows.groups[first],
        rows.codes[first],
        np.add.reduceat(rows.counts[order], starts),
        np.maximum.reduceat(rows.last_at[order], starts),
        rows.dictionary,
    )


def _kept(rows: Entries, measure: Measure) -> Entries:
    """Keep the last texts of each person, or the first ones."""
    if not len(rows.codes):
        return rows
    starts = np.flatnonzero(np.append(True, rows.groups[1:] != rows.groups[:-1]))
    sizes = np.diff(np.append(starts, len(rows.groups)))
    place = np.arange(len(rows.groups)) - np.repeat(starts, sizes)
    if measure.reduction == "recent":
        place = np.repeat(sizes, sizes) - 1 - place
    return _picked(rows, np.flatnonzero(place < measure.keep))


def _picked(rows: Entries, places: Ints) -> Entries:
    return Entries(rows.groups[places], rows.codes[places], rows.counts[places], rows.last_at[places], rows.dictionary)


def _split(summary: Summary) -> tuple[Summary, Summary]:
    """All people but the last, and the last one."""
    last = len(summary.ids) - 1
    heads: dict[Measure, Partial] = {}
    tails: dict[Measure, Partial] = {}
    for measure, partial in summary.results.items():
        if isinstance(partial, Entries):
            border = int(np.searchsorted(partial.groups, last))
            heads[measure] = _picked(partial, np.arange(border))
            tails[measure] = _alone(_picked(partial, np.arange(border, len(partial.groups))))
        else:
            heads[measure], tails[measure] = partial[:last], partial[last:]
    return Summary(summary.ids[:last], heads), Summary(summary.ids[last:], tails)


def _alone(rows: Entries) -> Entries:
    """A person's texts with a dictionary of their own, so that it does not grow from batch to batch."""
    used, codes = np.unique(rows.codes, return_inverse=True)
    dictionary = rows.dictionary.take(pa.array(used)).cast(pa.string())
    return Entries(np.zeros_like(rows.groups), codes.astype(np.int64), rows.counts, rows.last_at, dictionary)
