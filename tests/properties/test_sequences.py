"""Sequences equal a naive count, whatever the borders of the batches."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.segment import SegmentConfig, define_event_conditions
from cdp_spark.traits.engine import Plan
from cdp_spark.traits.finish import TRAIT_VALUES, make_traits

AS_OF = datetime(2026, 2, 1, 2, tzinfo=UTC)
EVENTS = pa.schema(
    [
        ("unified_id", pa.string()),
        ("occurred_at_utc", pa.timestamp("us", "UTC")),
        ("event_key", pa.string()),
        ("event_type", pa.string()),
        ("channel", pa.string()),
    ]
)
WRITTEN: dict[str, dict[str, object]] = {
    "plain": {"steps": [{"of": "a"}, {"of": "b"}]},
    "soon": {"steps": [{"of": "a"}, {"of": "b"}], "within_hours": 6},
    "twice": {"steps": [{"of": "a"}, {"of": "a"}], "within_days": 2},
    "long": {"steps": [{"of": "a"}, {"of": ["b", "c"]}, {"of": "b"}], "within_days": 3, "since_days": 10},
    "clean": {"steps": [{"of": "a"}, {"of": "b"}], "within_days": 3, "without": {"of": "c"}},
    "web": {"steps": [{"where": [{"column": "channel", "any_of": "web"}]}, {"of": "b"}], "without": {"of": ["a", "c"]}},
}


class Event(NamedTuple):
    """A row of EVENTS."""

    who: str
    at: datetime
    key: str
    kind: str
    channel: str


events = st.builds(
    Event,
    st.sampled_from("xyz"),
    st.integers(-5, 300).map(lambda hours: AS_OF - timedelta(hours=hours)),
    st.just(""),
    st.sampled_from("abcd"),
    st.sampled_from(["web", "app"]),
)


def counted(rows: Sequence[Event], written: dict[str, object], size: int) -> dict[str, float]:
    condition = {"name": "s", "members": {"sequence": written}}
    definitions = define_event_conditions([SegmentConfig.model_validate_json(json.dumps(condition))])
    arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(EVENTS)]
    batches = pa.Table.from_arrays(arrays, schema=EVENTS).to_batches(max_chunksize=size)
    plan = Plan(definitions, int(AS_OF.timestamp()) * 1_000_000, {})
    found = pa.Table.from_batches(make_traits(batches, plan), TRAIT_VALUES).to_pylist()
    return {row["unified_id"]: row["value_number"] for row in found}


def naive(rows: Sequence[Event], written: dict[str, object]) -> int:
    """The most sequences without a common event or time between: try every last event, the earliest end first."""
    since = written.get("since_days")
    oldest = AS_OF - timedelta(days=since) if isinstance(since, int) else datetime.min.replace(tzinfo=UTC)
    young = [it for it in rows if oldest < it.at <= AS_OF]
    count = begin = 0
    for end in range(len(young)):
        if any(_is_sequence(young, chosen, written) for chosen in _choices(young, begin, end, written)):
            count, begin = count + 1, end + 1
    return count


def _choices(rows: Sequence[Event], begin: int, end: int, written: dict[str, object]) -> list[tuple[int, ...]]:
    steps = written["steps"]
    assert isinstance(steps, list)
    chosen: list[tuple[int, ...]] = [(end,)]
    for _ in steps[1:]:
        chosen = [(place, *rest) for rest in chosen for place in range(begin, rest[0])]
    return chosen


def _is_sequence(rows: Sequence[Event], places: tuple[int, ...], written: dict[str, object]) -> bool:
    steps, without = written["steps"], written.get("without")
    assert isinstance(steps, list)
    hours = {"within_hours": 1, "within_days": 24}
    longest = [timedelta(hours=written[key] * hour) for key, hour in hours.items() if isinstance(written.get(key), int)]  # type: ignore[operator]
    between = rows[places[0] : places[-1] + 1]
    return (
        all(_meets(rows[place], step) for place, step in zip(places, steps, strict=True))
        and (not longest or rows[places[-1]].at - rows[places[0]].at <= longest[0])
        and not (isinstance(without, dict) and any(_meets(it, without) for it in between))
    )


def _meets(event: Event, step: dict[str, object]) -> bool:
    types = step.get("of", event.kind)
    return event.kind in types and ("where" not in step or event.channel == "web")  # type: ignore[operator]


@given(st.lists(events, max_size=14), st.sampled_from(sorted(WRITTEN)), st.integers(1, 5))
def test_sequences_are_counted_as_one_would_by_hand(drawn: list[Event], name: str, size: int) -> None:
    rows = sorted((it._replace(key=f"{place:03}") for place, it in enumerate(drawn)), key=lambda it: it[:3])
    expected = {who: naive([it for it in rows if it.who == who], WRITTEN[name]) for who in "xyz"}
    assert counted(rows, WRITTEN[name], size) == {who: count for who, count in expected.items() if count}
