"""Sessions: both presets, daylight saving time, and a model in plain Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError, ContractError
from cdp_spark.insights.sessions import SESSIONS, SessionRules, build_sessions, number_sessions

NOON = datetime(2024, 3, 30, 12, tzinfo=UTC)
Event = tuple[str, str, datetime, str | None, str | None, float | None]


def events(rows: list[Event]) -> pa.Table:
    names = (c.UNIFIED_ID, c.SOURCE, c.OCCURRED_AT, c.URL, c.CAMPAIGN, c.VALUE)
    types = (pa.string(), pa.string(), pa.timestamp("us", tz="UTC"), pa.string(), pa.string(), pa.float64())
    columns = {name: pa.array([row[it] for row in rows], types[it]) for it, name in enumerate(names)}
    keys = pa.array([f"e{it}" for it in range(len(rows))], pa.string())
    kinds = pa.array(["view"] * len(rows), pa.string())
    channels = pa.array([f"c{row[5]:g}" if row[5] else None for row in rows], pa.string())
    return pa.table({**columns, c.EVENT_KEY: keys, c.EVENT_TYPE: kinds, c.CHANNEL: channels})


def at(*minutes: float, campaign: str | None = None, start: datetime = NOON) -> list[Event]:
    return [("p", "web", start + timedelta(minutes=it), None, campaign, None) for it in minutes]


def numbers(rows: list[Event], rules: SessionRules) -> list[int]:
    return [int(it) for it in number_sessions(events(rows), rules)]


def test_sessions_have_entry_exit_duration_pages_value_and_counts() -> None:
    rows: list[Event] = [
        ("a", "app", NOON, None, None, None),
        ("a", "app", NOON + timedelta(seconds=90), "home", "spring", 2.5),
        ("a", "app", NOON + timedelta(minutes=20), "cart", "summer", 10.0),
        ("a", "app", NOON + timedelta(minutes=20), None, None, None),
        ("a", "app", NOON + timedelta(hours=2), None, None, None),
        ("a", "web", NOON + timedelta(minutes=1), "start", None, 0.0),
        ("b", "web", NOON + timedelta(minutes=2), "start", None, 1.0),
    ]
    found = build_sessions(events(rows), SessionRules())
    app, web = ("view", "home", "cart"), ("view", "start", "start")
    assert found.schema == SESSIONS
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("e0", "a", "app", 1, NOON, NOON + timedelta(minutes=20), 1200.0, 4, 2, *app, "c2.5", "spring", 12.5),
        ("e4", "a", "app", 2, *[NOON + timedelta(hours=2)] * 2, 0.0, 1, 0, "view", *[None] * 4, 0.0),
        ("e5", "a", "web", 1, *[NOON + timedelta(minutes=1)] * 2, 0.0, 1, 1, *web, None, None, 0.0),
        ("e6", "b", "web", 1, *[NOON + timedelta(minutes=2)] * 2, 0.0, 1, 1, *web, "c1", None, 1.0),
    ]


def test_no_events_make_no_sessions() -> None:
    assert build_sessions(events([]), SessionRules()).num_rows == 0
    assert numbers([], SessionRules("ua")) == []


def test_a_pause_of_exactly_the_timeout_does_not_end_a_session() -> None:
    assert numbers(at(0, 30, 60.0001), SessionRules()) == [0, 0, 1]


def test_a_source_has_its_own_timeout() -> None:
    rows: list[Event] = [("p", source, *event[2:]) for source in ("app", "web") for event in at(0, 10, 20)]
    rules = SessionRules(timeouts={"app": timedelta(minutes=5)})
    assert numbers(rows, rules) == [0, 1, 2, 3, 3, 3]


def test_ga4_splits_neither_at_midnight_nor_by_campaign() -> None:
    late = at(0, 10, start=datetime(2024, 3, 30, 23, 55, tzinfo=UTC)) + at(
        20, campaign="x", start=datetime(2024, 3, 30, 23, 55, tzinfo=UTC)
    )
    assert numbers(late, SessionRules("ga4")) == [0, 0, 0]
    assert numbers(late, SessionRules("ua")) == [0, 1, 2]


def test_ua_splits_at_midnight_of_the_propertys_time_zone() -> None:
    before = datetime(2024, 3, 30, 22, 50, tzinfo=UTC)
    assert numbers(at(0, 15, start=before), SessionRules("ua", time_zone="Europe/Berlin")) == [0, 1]
    assert numbers(at(0, 15, start=before), SessionRules("ua", time_zone="UTC")) == [0, 0]


@pytest.mark.parametrize(("day", "midnight"), [((2024, 3, 31), 23), ((2024, 10, 27), 22)], ids=["spring", "autumn"])
def test_ua_midnight_moves_with_daylight_saving_time(day: tuple[int, int, int], midnight: int) -> None:
    """On both days the clocks change after that midnight: the night before has the offset of before."""
    first = datetime(*day, tzinfo=UTC) - timedelta(hours=24 - midnight)
    last = datetime(*day, tzinfo=UTC) + timedelta(hours=45 - midnight)
    rules = SessionRules("ua", time_zone="Europe/Berlin")
    assert numbers(at(-1, 0, start=first), rules) == [0, 1]
    assert numbers(at(-1, 0, start=last), rules) == [0, 1]
    around = datetime(*day, 1, tzinfo=UTC)  # the hour that is skipped or repeated does not split
    assert numbers(at(-5, 0, 5, start=around), rules) == [0, 0, 0]


def test_ua_splits_where_another_campaign_begins_and_not_where_none_is_named() -> None:
    rows = [at(minute, campaign=name)[0] for minute, name in enumerate((None, "x", None, "x", "y", None, "x"))]
    assert numbers(rows, SessionRules("ua")) == [0, 1, 1, 1, 2, 2, 3]


def test_events_out_of_order_and_timeouts_of_zero_are_refused() -> None:
    with pytest.raises(ContractError, match="rows sorted by unified_id, source, occurred_at_utc"):
        number_sessions(events(at(5, 0)), SessionRules())
    with pytest.raises(ConfigError, match=r"sessions.timeout: got 0:00:00; allowed: more than zero"):
        SessionRules(timeouts={"web": timedelta(0)})


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["app", "web"]), st.integers(0, 3000), st.sampled_from("xy ")),
        max_size=25,
    ),
    st.sampled_from(["ga4", "ua"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"]),
)
def test_sessions_are_those_of_one_event_after_the_other(
    drawn: list[tuple[str, str, int, str]], preset: str, zone: str
) -> None:
    drawn = sorted(drawn, key=lambda it: it[:3])
    rows: list[Event] = [
        (who, source, NOON + timedelta(minutes=minute), None, name.strip() or None, None)
        for who, source, minute, name in drawn
    ]
    rules = SessionRules("ua" if preset == "ua" else "ga4", timeouts={"app": timedelta(minutes=90)}, time_zone=zone)
    assert numbers(rows, rules) == by_hand(rows, rules)


def by_hand(rows: list[Event], rules: SessionRules) -> list[int]:
    found: list[int] = []
    named: str | None = None
    for number, (who, source, moment, _, campaign, _) in enumerate(rows):
        zone, before = ZoneInfo(rules.time_zone), rows[number - 1]
        new = (
            not number or (who, source) != before[:2] or moment - before[2] > rules.timeouts.get(source, rules.timeout)
        )
        if not new and rules.preset == "ua":
            other_day = moment.astimezone(zone).date() != before[2].astimezone(zone).date()
            new = other_day or (campaign is not None and campaign != named)
        named = campaign if new else campaign or named
        found.append((found[-1] if found else -1) + new)
    return found


def test_the_public_events_have_the_published_sessions(public_data: Path) -> None:
    table = pa_csv.read_csv(public_data / "ecommerce_events" / "ecom.csv.gz")
    table = table.rename_columns({"user_id": c.UNIFIED_ID, "timestamp": c.OCCURRED_AT})
    zoned = pc.assume_timezone(table[c.OCCURRED_AT].cast(pa.timestamp("us")), "UTC")
    table = table.set_column(table.schema.get_field_index(c.OCCURRED_AT), c.OCCURRED_AT, zoned)
    table = table.append_column(c.SOURCE, pa.array(["web"] * table.num_rows))
    table = table.sort_by([(c.UNIFIED_ID, "ascending"), (c.OCCURRED_AT, "ascending")])
    ours = number_sessions(table, SessionRules())
    theirs = table["session_id"].to_numpy()
    pairs = set(zip(ours.tolist(), theirs.tolist(), strict=True))
    assert (table.num_rows, len(np.unique(theirs)), len(np.unique(ours)), len(pairs)) == (31106, 3605, 3605, 3605)
