"""What a person's events until a time say: how many there were, what they were worth, how long ago the last one was.

`build_features` is the only place where this is stated: the past that a model learns from and the present that it
scores go through it, and it never looks at an event after the time that it is asked about.

`choose_features` makes the list from what occurs: for each event type a count per window, the last time, and the value
where the type has values; for each type and category a count in the largest window. A model keeps its list.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cdp_spark.config.insights.scores import FeaturesConfig

MOST_TYPES, MOST_CATEGORIES = 15, 15
"""Event types, and pairs of type and category, that a model counts: the most frequent ones tell most."""
DAY_US = 86_400_000_000
_VALUE_PARTS = 10_000
K = TypeVar("K")


@dataclass(frozen=True)
class Feature:
    """A figure of a person's events.

    Args:
        measure: how many events, what they were worth, or days since the last one (nan for none).
        event_type: of the events.
        category: of the events; None for any.
        days: before the time that is asked about, in which events count.
    """

    measure: Literal["count", "value", "recency"]
    event_type: str
    category: str | None
    days: int


@dataclass(frozen=True)
class PersonEvents:
    """Events as arrays, one entry an event, in any order.

    Args:
        people: ids, ascending.
        kind: entity type of each of them.
        person: position in `people`.
        at_us: when it happened, in microseconds since 1970, UTC.
        event_type: of each event.
        category: of each event; null for none.
        value: in ten-thousandths, so that sums do not depend on the order.
    """

    people: pa.Array
    kind: pa.Array
    person: NDArray[np.int64]
    at_us: NDArray[np.int64]
    event_type: pa.Array
    category: pa.Array
    value: NDArray[np.float64]

    def about(self, event_types: Sequence[str], categories: Sequence[str] = ()) -> NDArray[np.bool_]:
        """Mark the events of some types, and of some categories; of any without them."""
        wanted = [(self.event_type, event_types), (self.category, categories)]
        found = np.ones(len(self.person), np.bool_)
        for values, names in wanted:
            if names:
                listed = pc.is_in(values, value_set=pa.array(list(names), pa.string()))
                found &= listed.to_numpy(zero_copy_only=False)
        return found

    def within(self, after_us: int, until_us: int) -> NDArray[np.bool_]:
        """Mark the events after a time and until another one, that one included."""
        return np.asarray((self.at_us > after_us) & (self.at_us <= until_us), np.bool_)

    def who(self, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mark the people who have one of these events."""
        found = np.zeros(len(self.people), np.bool_)
        found[self.person[marked]] = True
        return found


def read_events(rows: pa.Table) -> PersonEvents:
    """Read events of whole people.

    Args:
        rows: `unified_id`, `entity_type`, `event_type`, `occurred_at_utc`, `category`, `value`, in any order.
    """
    rows = rows.combine_chunks()
    ids, found = rows[c.UNIFIED_ID].combine_chunks(), pc.unique(rows[c.UNIFIED_ID])
    people = found.take(pc.array_sort_indices(found))
    kind = rows[c.ENTITY_TYPE].combine_chunks().take(pc.index_in(people, value_set=ids))
    value = pc.fill_null(rows[c.VALUE].cast(pa.float64()), 0.0).to_numpy()
    return PersonEvents(
        people,
        kind,
        pc.index_in(ids, value_set=people).to_numpy(zero_copy_only=False).astype(np.int64),
        rows[c.OCCURRED_AT].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(),
        rows[c.EVENT_TYPE].combine_chunks(),
        rows[c.CATEGORY].combine_chunks(),
        np.rint(value * _VALUE_PARTS),
    )


def choose_features(occurring: pa.Table, settings: FeaturesConfig) -> tuple[Feature, ...]:
    """List what a model counts.

    Args:
        occurring: `event_type`, `category`, `events` and `value` (how many of them have one); one row a pair.
        settings: of the score.
    Returns: by event type and category.
    """
    rows = occurring.select([c.EVENT_TYPE, c.CATEGORY, c.EVENTS, c.VALUE]).to_pylist()
    named = [row for row in rows if not settings.event_types or row[c.EVENT_TYPE] in settings.event_types]
    of_type: Counter[str] = Counter()
    valued: Counter[str] = Counter()
    for row in named:
        of_type[row[c.EVENT_TYPE]] += row[c.EVENTS]
        valued[row[c.EVENT_TYPE]] += row[c.VALUE]
    types = sorted(_most(of_type, MOST_TYPES))
    pairs = Counter(
        {
            (row[c.EVENT_TYPE], row[c.CATEGORY]): row[c.EVENTS]
            for row in named
            if row[c.EVENT_TYPE] in types
            and row[c.CATEGORY] is not None
            and (not settings.categories or row[c.CATEGORY] in settings.categories)
        }
    )
    windows, longest = sorted(set(settings.windows_days)), max(settings.windows_days)
    listed: list[Feature] = []
    for name in types:
        listed += [Feature("count", name, None, days) for days in windows]
        listed.append(Feature("recency", name, None, longest))
        listed += [Feature("value", name, None, longest)] if valued[name] else []
        listed += [
            Feature("count", name, category, longest)
            for of, category in sorted(_most(pairs, MOST_CATEGORIES))
            if of == name
        ]
    return tuple(listed)


def build_features(events: PersonEvents, features: Sequence[Feature], *, until_us: int) -> NDArray[np.float64]:
    """Return the features of each person at a time, one column a feature.

    Args:
        events: of whole people; later ones do not count.
        features: of a model.
        until_us: the time, in microseconds since 1970.
    """
    figures = np.zeros((len(events.people), len(features)))
    for column, feature in enumerate(features):
        categories = () if feature.category is None else (feature.category,)
        counted = events.about((feature.event_type,), categories)
        counted &= events.within(until_us - feature.days * DAY_US, until_us)
        figures[:, column] = _measure(events, feature, counted, until_us)
    return figures


def _measure(
    events: PersonEvents, feature: Feature, counted: NDArray[np.bool_], until_us: int
) -> NDArray[np.float64] | NDArray[np.int64]:
    person, people = events.person[counted], len(events.people)
    if feature.measure == "count":
        return np.bincount(person, minlength=people)
    if feature.measure == "value":
        return np.bincount(person, weights=events.value[counted], minlength=people) / _VALUE_PARTS
    last = np.full(people, -1, np.int64)
    np.maximum.at(last, person, events.at_us[counted])
    return np.where(last < 0, np.nan, (until_us - last) / DAY_US)


def _most(counts: Counter[K], most: int) -> list[K]:
    """The most frequent ones; by name among equals."""
    return sorted(counts, key=lambda name: (-counts[name], str(name)))[:most]
