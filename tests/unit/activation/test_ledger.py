"""The ledger: whatever fails, each row ends acknowledged or is still to be sent, and a retry keeps its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp_spark.activation.destinations.interface import Fate, FateStatus, Row
from cdp_spark.activation.ledger import (
    OPEN,
    Attempt,
    AttemptStatus,
    Entry,
    Mode,
    Rules,
    decide,
    rows_to_send,
    send_rows,
    settle,
    settle_all,
)

DIFF = Rules("diff", "crm", 1)


def after(entry: Entry, status: AttemptStatus, *, max_refusals: int = 3) -> Entry:
    return settle(entry, Attempt(entry.key, entry.tries + 1, status), max_refusals=max_refusals)


def summary(entry: Entry) -> tuple[object, ...]:
    return (entry.action, entry.content_hash, entry.status, entry.sent_hash, entry.is_certain)


def test_a_row_is_added_updated_and_removed_as_it_is_acknowledged() -> None:
    added = decide(Entry("a", "crm"), "h1", DIFF)
    assert summary(added) == ("add", "h1", "pending", None, True)
    there = after(added, "acknowledged")
    assert decide(there, "h1", DIFF) == replace(there, action=None, content_hash=None, tries=0)
    updated = decide(there, "h2", DIFF)
    assert summary(updated) == ("update", "h2", "pending", "h1", True)
    removed = decide(after(updated, "acknowledged"), None, DIFF)
    assert summary(removed) == ("remove", None, "pending", "h2", True)
    gone = after(removed, "acknowledged")
    assert summary(gone) == ("remove", None, "acknowledged", None, True)
    assert decide(gone, None, DIFF).status == "acknowledged"
    assert [it.sequence for it in (added, updated, removed)] == [1, 2, 3]


def test_a_retry_has_the_key_of_the_first_attempt_and_another_change_has_not() -> None:
    added = decide(Entry("a", "crm"), "h1", DIFF)
    unknown = after(added, "unknown")
    again = decide(unknown, "h1", DIFF)
    assert again.key == added.key
    other = decide(after(again, "unsent"), "h2", DIFF)
    back = decide(after(other, "unknown"), "h1", DIFF)
    assert len({added.key, other.key, back.key}) == 3


def test_only_what_may_be_there_is_removed() -> None:
    added = decide(Entry("a", "crm"), "h1", DIFF)
    assert decide(added, None, DIFF).action is None
    assert decide(after(added, "refused"), None, DIFF).action is None
    assert decide(after(added, "unsent"), None, DIFF).action is None
    assert decide(after(added, "unknown"), None, DIFF).action == "remove"
    assert decide(after(added, "sending"), None, DIFF).action == "remove"


def test_after_an_unknown_update_the_old_values_are_sent_again() -> None:
    there = after(decide(Entry("a", "crm"), "h1", DIFF), "acknowledged")
    unknown = after(decide(there, "h2", DIFF), "unknown")
    assert summary(decide(unknown, "h1", DIFF)) == ("update", "h1", "pending", "h1", False)


def test_a_row_refused_too_often_is_given_up_until_it_changes() -> None:
    entry = decide(Entry("a", "crm"), "h1", DIFF)
    found = []
    for status in ("refused", "unsent", "refused", "refused"):
        entry = decide(after(entry, status), "h1", DIFF)
        found.append(entry.status)
    assert found == ["refused", "unsent", "refused", "dead"]
    assert rows_to_send([entry], {}) == []
    assert decide(entry, "h2", DIFF).status == "pending"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("full", [("add", "h1"), ("update", "h1"), ("update", "h2"), ("remove", None)]),
        ("diff", [("add", "h1"), (None, None), ("update", "h2"), ("remove", None)]),
        ("changes", [("add", "h1"), (None, None), (None, None), ("remove", None)]),
    ],
)
def test_modes(mode: Mode, expected: list[tuple[str | None, str | None]]) -> None:
    entry, found = Entry("a", "crm"), []
    for release, wanted in enumerate(("h1", "h1", "h2", None), start=1):
        entry = decide(entry, wanted, Rules(mode, "crm", release))
        found.append((entry.action, entry.content_hash))
        if entry.status in OPEN:
            entry = after(entry, "acknowledged")
            assert decide(entry, wanted, Rules(mode, "crm", release)).status == "acknowledged"
    assert found == expected


def test_changes_begin_after_a_first_run_that_sends_nothing() -> None:
    first = decide(Entry("a", "crm"), "h1", Rules("changes", "crm", 1, is_first=True))
    assert summary(first) == (None, None, "acknowledged", "h1", True)
    assert decide(first, None, Rules("changes", "crm", 2)).action == "remove"


def test_another_place_has_nothing_and_no_key_of_the_first() -> None:
    there = after(decide(Entry("a", "crm"), "h1", DIFF), "acknowledged")
    moved = decide(there, "h1", replace(DIFF, target="crm2"))
    assert summary(moved) == ("add", "h1", "pending", None, True)
    assert decide(there, None, replace(DIFF, target="crm2")).action is None
    back = decide(after(moved, "acknowledged"), "h1", DIFF)
    assert (back.action, back.sequence) == ("add", 3)


def test_a_segment_that_is_too_small_only_loses_members() -> None:
    small = replace(DIFF, only_removals=True)
    there = after(decide(Entry("a", "crm"), "h1", DIFF), "acknowledged")
    assert [decide(there, wanted, small).action for wanted in ("h1", "h2", None)] == [None, None, "remove"]
    assert decide(Entry("b", "crm"), "h1", small).status == "acknowledged"


@dataclass
class Place:
    """A destination that honours keys and fails as it is told; `fates` are what we hear, `arrives` what happened."""

    fates: list[tuple[FateStatus, bool]]
    killed_after: int
    batch_rows: int = 2
    has: dict[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)

    def send(self, batch: Sequence[Row]) -> list[Fate]:
        if self.killed_after == 0:
            raise InterruptedError
        self.killed_after -= 1
        return [self._one(row) for row in batch]

    def _one(self, row: Row) -> Fate:
        status, arrives = self.fates.pop() if self.fates else ("acknowledged", True)
        is_taken = status == "acknowledged" or (status == "unknown" and arrives)
        if is_taken and row.key not in self.keys:
            self.keys.add(row.key)
            self.taken.append(row.key)
            if row.action == "remove":
                self.has.pop(row.unified_id, None)
            else:
                self.has[row.unified_id] = str(row.values["hash"])
        return Fate(status)


FATES = st.sampled_from([("acknowledged", True), ("refused", False), ("unknown", True), ("unknown", False)])
WANTED = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["h1", "h2"]), max_size=6)
NIGHT = st.tuples(WANTED, st.lists(FATES, max_size=12), st.integers(-1, 4), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.lists(NIGHT, max_size=5), WANTED)
def test_whatever_fails_no_row_is_lost_and_none_is_taken_twice(
    nights: list[tuple[dict[str, str], list[tuple[FateStatus, bool]], int, bool]], last: dict[str, str]
) -> None:
    entries: dict[str, Entry] = {}
    place = Place([], -1)
    log: list[Attempt] = []
    for release, (wanted, fates, killed_after, is_recorded) in enumerate([*nights, (last, [], -1, True)], start=1):
        place.fates, place.killed_after = list(fates), killed_after
        known = {it: entries.get(it, Entry(it, "crm")) for it in {*wanted, *entries}}
        folded = {name: settle_all(it, log, max_refusals=9) for name, it in known.items()}
        entries = {name: decide(it, wanted.get(name), Rules("diff", "crm", release)) for name, it in folded.items()}
        numbers = {it.key: it.tries + 1 for it in entries.values()}

        def record(
            rows: Sequence[Row],
            told: Sequence[Fate] | None,
            *,
            numbers: dict[str, int] = numbers,
            is_recorded: bool = is_recorded,
        ) -> None:
            if told is not None and not is_recorded:
                raise InterruptedError  # killed between sending and recording
            fates: Sequence[Fate | None] = told or [None] * len(rows)
            for row, fate in zip(rows, fates, strict=True):
                log.append(Attempt(row.key, numbers[row.key], fate.status if fate else "sending"))

        rows = rows_to_send(entries.values(), {name: {"hash": it} for name, it in wanted.items()})
        try:
            send_rows(rows, place, record, chunk_rows=3)
        except InterruptedError:
            continue
    final = {name: settle_all(it, log, max_refusals=9) for name, it in entries.items()}
    assert place.has == last
    assert {it.status for it in final.values()} <= {"acknowledged"}
    assert {name: it.sent_hash for name, it in final.items() if it.sent_hash} == last
    assert len(place.taken) == len(set(place.taken))


def test_a_destination_that_is_down_is_left_after_three_batches() -> None:
    class Down:
        batch_rows = 10
        calls = 0

        def send(self, batch: Sequence[Row]) -> list[Fate]:
            self.calls += 1
            return [Fate("unsent", "no connection")] * len(batch)

    rows = [Row(str(number), "add", str(number)) for number in range(100)]
    recorded: list[tuple[int, bool]] = []
    down = Down()
    counts, problem = send_rows(
        rows, down, lambda sent, fates: recorded.append((len(sent), fates is None)), chunk_rows=50
    )
    assert (counts["unsent"], problem, down.calls) == (100, "no connection", 3)
    assert recorded == [(50, True), (50, False)]
