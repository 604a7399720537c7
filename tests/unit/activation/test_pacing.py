"""Caps, priorities and quiet hours; no Spark."""

from __future__ import annotations

from datetime import UTC, datetime

from cdp_spark.activation.sending.pacing import Due, Sent, follow_sent, waiting
from cdp_spark.config.sending import Cap, QuietHours
from cdp_spark.id_moves import IdMoves

NOW = datetime(2026, 1, 9, 20, 30, tzinfo=UTC)
CAPS = {"email": Cap(at_most=2, within_days=7)}
QUIET = {"sms": QuietHours(start=21, end=8)}


def due(name: str, *ids: str, channel: str | None = "email", priority: int = 0, zone: str = "UTC") -> Due:
    return Due(name, channel, priority, {it: f"{name}-{it}" for it in ids}, dict.fromkeys(ids, zone))


def waits(*campaigns: Due, sent: tuple[Sent, ...] = ()) -> dict[str, dict[str, str]]:
    found = waiting(campaigns, sent, caps=CAPS, quiet_hours=QUIET, now=NOW)
    return {name: dict(rows) for name, rows in found.items() if rows}


def test_a_person_gets_no_more_rows_by_a_channel_than_its_cap() -> None:
    sent = tuple(Sent("email", person, key) for person, key in (("a", "1"), ("a", "2"), ("b", "1")))
    assert waits(due("news", "a", "b", "c"), sent=sent) == {"news": {"a": "capped"}}


def test_the_highest_priority_takes_what_is_left_of_the_cap() -> None:
    campaigns = (due("a_low", "p"), due("high", "p", priority=9), due("b_low", "p"), due("mid", "p", priority=5))
    assert waits(*campaigns) == {"a_low": {"p": "capped"}, "b_low": {"p": "capped"}}
    assert waits(*reversed(campaigns)) == waits(*campaigns)


def test_the_same_message_again_takes_nothing_more_of_the_cap() -> None:
    sent = (Sent("email", "a", "news-a"), Sent("email", "a", "other"))
    assert waits(due("news", "a"), sent=sent) == {}


def test_a_person_whose_ids_merged_keeps_the_sends_of_both() -> None:
    moves = IdMoves({"a": "b", "b": "c"}, frozenset({"gone"}), {})
    rows = [("a", "1", 3), ("c", "2", 3), ("gone", "3", 3), ("other", "4", 3)]
    sent = tuple(follow_sent(rows, moves, channel="email"))
    assert sent == (Sent("email", "c", "1"), Sent("email", "c", "2"), Sent("email", "other", "4"))
    assert waits(due("news", "c", "other"), sent=sent) == {"news": {"c": "capped"}}


def test_what_was_sent_before_a_split_counts_for_both_people() -> None:
    moves = IdMoves({}, frozenset(), {"a": [("b", 5)]})
    sent = list(follow_sent([("a", "1", 4), ("a", "2", 5)], moves, channel="email"))
    assert sorted(sent, key=lambda it: (it.unified_id, it.key)) == [
        Sent("email", "a", "1"),
        Sent("email", "a", "2"),
        Sent("email", "b", "1"),
    ]


def test_destinations_of_other_channels_and_of_none_have_no_cap() -> None:
    sent = tuple(Sent("email", "a", key) for key in "123")
    assert waits(due("crm", "a", channel=None), due("push", "a", channel="push"), sent=sent) == {}


def test_quiet_hours_are_those_of_the_persons_clock() -> None:
    assert waits(due("uk", "a", channel="sms", zone="Europe/London")) == {}
    assert waits(due("de", "a", channel="sms", zone="Europe/Berlin")) == {"de": {"a": "quiet"}}
    assert waits(due("us", "a", channel="sms", zone="America/New_York")) == {}


def test_a_row_that_waits_for_the_morning_takes_nothing_of_the_cap() -> None:
    campaigns = (due("first", "a", priority=1, zone="Asia/Tokyo"), due("second", "a"), due("third", "a"))
    quiet = {"email": QuietHours(start=0, end=8)}
    found = waiting(campaigns, (), caps={"email": Cap(at_most=2, within_days=1)}, quiet_hours=quiet, now=NOW)
    assert found == {"first": {"a": "quiet"}, "second": {}, "third": {}}
