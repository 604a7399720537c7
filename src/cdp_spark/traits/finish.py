"""Measures of people to the rows of their traits."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.traits.batches import PARTS
from cdp_spark.traits.engine import Entries, summarise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cdp_spark.config.traits.definitions import Measure, TraitDefinition
    from cdp_spark.traits.batches import Floats, Ints
    from cdp_spark.traits.engine import Plan, Summary

_SCALED = ("sum", "min", "max", "first", "last")
_RATIO_DECIMALS, _SCORE_DECIMALS = 6, 4
_MOMENT = pa.timestamp("us", "UTC")

TRAIT_VALUES = pa.schema(
    [
        (c.UNIFIED_ID, pa.string()),
        (c.TRAIT, pa.string()),
        (c.DEFINITION_HASH, pa.string()),
        (c.VALUE_NUMBER, pa.float64()),
        (c.VALUE_TEXT, pa.string()),
        (c.VALUE_LIST, pa.list_(pa.string())),
        (c.VALUE_TIME, _MOMENT),
    ]
)
"""A value of a trait; one of the last four columns has it."""
_VALUE_OF = {"number": c.VALUE_NUMBER, "text": c.VALUE_TEXT, "list": c.VALUE_LIST, "time": c.VALUE_TIME}

Found: TypeAlias = tuple["Ints", pa.Array]
"""Places of people, and their values."""


def make_traits(batches: Iterable[pa.RecordBatch], plan: Plan) -> Iterator[pa.RecordBatch]:
    """Make the traits of people.

    Args:
        batches: as `summarise` takes them.
        plan: of the pass.
    Returns: rows of TRAIT_VALUES: one per person and trait that has a value; where none means 0, no row for 0.
    """
    for summary in summarise(batches, plan):
        made = [_rows(definition, summary) for definition in plan.definitions]
        yield from (batch for batch in pa.concat_tables(made).combine_chunks().to_batches() if batch.num_rows)


def value_rows(
    definition_hash: str, trait: str, kind: str, ids: pa.Array | pa.ChunkedArray, values: pa.Array
) -> pa.Table:
    """Put values of one trait into rows of TRAIT_VALUES."""
    given = {
        c.UNIFIED_ID: ids,
        c.TRAIT: pa.repeat(pa.scalar(trait), len(ids)),
        c.DEFINITION_HASH: pa.repeat(pa.scalar(definition_hash), len(ids)),
        _VALUE_OF[kind]: values,
    }
    columns = [given[field.name] if field.name in given else pa.nulls(len(ids), field.type) for field in TRAIT_VALUES]
    return pa.table(columns, schema=TRAIT_VALUES)


def _rows(definition: TraitDefinition, summary: Summary) -> pa.Table:
    if definition.finish in _OF_TEXTS:
        places, values = _OF_TEXTS[definition.finish](definition, summary)
    else:
        places, values = _there(definition, _number(definition, summary))
    ids = summary.ids.take(pa.array(places))
    return value_rows(definition.definition_hash, definition.name, definition.kind, ids, values)


def _there(definition: TraitDefinition, numbers: Floats) -> Found:
    places = np.flatnonzero(~np.isnan(numbers) & ~(definition.zero & (numbers == 0)))
    if definition.kind == "time":
        return places, pa.array(numbers[places].astype(np.int64)).cast(_MOMENT)
    return places, pa.array(numbers[places])


def _number(definition: TraitDefinition, summary: Summary) -> Floats:
    """The number of each person, NaN for none."""
    if definition.finish == "distinct":
        return _distinct(summary, definition.measures[0])
    if definition.parts:
        numbers = [
            np.nan_to_num(_number(part, summary)) if part.zero else _number(part, summary) for part in definition.parts
        ]
    else:
        numbers = [_measured(summary, measure) for measure in definition.measures]
    if definition.finish == "same":
        return numbers[0]
    if definition.finish == "ratio":
        return _ratio(numbers[0], numbers[1])
    if definition.finish == "trend":
        recent, before = (np.nan_to_num(part) / days for part, days in zip(numbers, definition.weights, strict=True))
        return _ratio(recent - before, before)
    points = np.stack([np.nan_to_num(part) * weight for part, weight in zip(numbers, definition.weights, strict=True)])
    return np.asarray(np.round(np.clip(points.sum(axis=0), 0, 100), _SCORE_DECIMALS))


def _measured(summary: Summary, measure: Measure) -> Floats:
    found = summary.results[measure]
    if isinstance(found, Entries):
        raise TypeError(measure.reduction)
    if measure.chain is not None:
        return np.asarray(found[:, 0])
    return np.asarray(found / PARTS) if measure.reduction in _SCALED else found


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    known = ~np.isnan(denominator) & (denominator != 0)
    divided = np.divide(numerator, denominator, out=np.full(len(numerator), np.nan), where=known)
    return np.asarray(np.round(divided, _RATIO_DECIMALS) + 0.0)  # no negative zero


def _distinct(summary: Summary, measure: Measure) -> Floats:
    return np.bincount(_texts(summary, measure).groups, minlength=len(summary.ids)).astype(np.float64)


def _texts(summary: Summary, measure: Measure) -> Entries:
    found = summary.results[measure]
    if not isinstance(found, Entries):
        raise TypeError(measure.reduction)
    return found


def _weighed(definition: TraitDefinition, summary: Summary) -> Entries:
    """The tallies of a definition as one: each text with its weight, the heaviest of a person first.

    Of equal ones the later one is first, and then the first in the alphabet.
    """
    tallies = [_texts(summary, measure) for measure in definition.measures]
    dictionary = pa.chunked_array([it.dictionary.cast(pa.string()) for it in tallies]).unique().sort()
    rows = [
        np.stack([it.groups, np.asarray(pc.index_in(it.dictionary, value_set=dictionary))[it.codes], it.last_at])
        for it in tallies
    ]
    groups, codes, last_at = np.concatenate(rows, axis=1).astype(np.int64)
    weights = np.concatenate([it.counts * weight for it, weight in zip(tallies, definition.weights, strict=True)])
    order = np.lexsort((codes, groups))
    groups, codes, last_at, weights = groups[order], codes[order], last_at[order], weights[order]
    starts = np.flatnonzero(np.append(len(groups) > 0, np.diff(groups * (len(dictionary) + 1) + codes) > 0))
    starts = starts[: len(groups)]
    if not len(starts):
        return Entries(groups, codes, weights, last_at, dictionary)
    weights, last_at = np.add.reduceat(weights, starts), np.maximum.reduceat(last_at, starts)
    groups, codes = groups[starts], codes[starts]
    order = np.lexsort((codes, -last_at, -weights, groups))
    order = order[weights[order] > 0]
    return Entries(groups[order], codes[order], weights[order], last_at[order], dictionary)


def _places_in_groups(groups: Ints) -> Ints:
    """The place of each entry among those of its person, from 0."""
    starts = np.flatnonzero(np.append(len(groups) > 0, groups[1:] != groups[:-1]))[: len(groups)]
    return np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))


def _most_frequent(definition: TraitDefinition, summary: Summary) -> Found:
    ranked = _weighed(definition, summary)
    first = np.flatnonzero(_places_in_groups(ranked.groups) == 0)
    return ranked.groups[first], ranked.dictionary.take(pa.array(ranked.codes[first]))


def _most_frequent_hour(definition: TraitDefinition, summary: Summary) -> Found:
    places, hours = _most_frequent(definition, summary)
    return places, hours.cast(pa.float64())


def _top(definition: TraitDefinition, summary: Summary) -> Found:
    ranked = _weighed(definition, summary)
    listed = np.flatnonzero(_places_in_groups(ranked.groups) < definition.top)
    return _lists(ranked.groups[listed], ranked.dictionary.take(pa.array(ranked.codes[listed])))


def _top_shares(definition: TraitDefinition, summary: Summary) -> Found:
    ranked = _weighed(definition, summary)
    shares = ranked.counts / np.bincount(ranked.groups, ranked.counts, minlength=1)[ranked.groups]
    listed = np.flatnonzero(_places_in_groups(ranked.groups) < definition.top)
    return _lists(ranked.groups[listed], pa.array([f"{share:.4f}" for share in shares[listed]], pa.string()))


def _recent(definition: TraitDefinition, summary: Summary) -> Found:
    """The last values, newest first."""
    kept = _texts(summary, definition.measures[0])
    order = np.lexsort((-np.arange(len(kept.groups)), kept.groups))
    return _lists(kept.groups[order], kept.dictionary.cast(pa.string()).take(pa.array(kept.codes[order])))


def _first_of_list(definition: TraitDefinition, summary: Summary) -> Found:
    kept = _texts(summary, definition.measures[0])
    return kept.groups, kept.dictionary.cast(pa.string()).take(pa.array(kept.codes))


def _lists(groups: Ints, texts: pa.Array) -> Found:
    starts = np.flatnonzero(_places_in_groups(groups) == 0)
    offsets = pa.array(np.append(starts, len(groups)).astype(np.int32))
    return groups[starts], pa.ListArray.from_arrays(
        offsets, texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    )


_OF_TEXTS: dict[str, Callable[[TraitDefinition, Summary], Found]] = {
    "most_frequent": _most_frequent,
    "most_frequent_hour": _most_frequent_hour,
    "top": _top,
    "top_shares": _top_shares,
    "recent": _recent,
    "first_of_list": _first_of_list,
}
