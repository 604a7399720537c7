"""The ledger of a destination: what it has, what it is to be sent, and what became of it.

1. Each profile that a destination has, had or is to get is an `Entry`: what was last acknowledged, and the intent, the
   change that is to be sent. `decide` compares what is wanted with what was acknowledged. An intent that stays the same
   keeps its sequence, and so its idempotency key; another one takes the next sequence.
2. Before rows are sent the attempt is recorded, after it their fates. An attempt without a fate was killed: it is
   unknown what arrived.
3. `settle` applies the fate of an attempt to its entry. What the destination has moves on acknowledgement only; after
   an unknown fate it is uncertain, and any further change is sent, whatever was acknowledged before.
4. A row that is refused as often as the destination allows is dead until another change is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from cdp_spark.activation.destinations.interface import Fate, Row
from cdp_spark.normalise.hashing import hash_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from cdp_spark.activation.destinations.interface import Action, FateStatus, Sender

Mode = Literal["full", "diff", "changes"]
Status = Literal["pending", "acknowledged", "refused", "unknown", "unsent", "dead"]
AttemptStatus = Literal["sending", "acknowledged", "refused", "unknown", "unsent"]
OPEN: tuple[Status, ...] = ("pending", "refused", "unknown", "unsent")
"""Of entries whose intent is to be sent again."""
MAX_FAILED_BATCHES = 3
"""Batches in a row of which no row was judged, after which a destination counts as down."""


@dataclass(frozen=True)
class Entry:
    """A profile's row at a destination.

    Args:
        unified_id: whose it is.
        target: which place of the destination it is about.
        sequence: of the intent; 0 before the first.
        action: of the intent.
        content_hash: of the intent's values; None for a removal.
        status: of the intent.
        tries: how often the intent was sent.
        refusals: how often it was refused.
        sent_hash: of what the destination acknowledged last; None where it has nothing.
        is_certain: whether the destination has just that.
        release: that the intent was made for.
    """

    unified_id: str
    target: str
    sequence: int = 0
    action: Action | None = None
    content_hash: str | None = None
    status: Status = "acknowledged"
    tries: int = 0
    refusals: int = 0
    sent_hash: str | None = None
    is_certain: bool = True
    release: int = 0

    @property
    def key(self) -> str:
        """The same for every attempt at the intent, and no other's."""
        parts = (self.target, self.unified_id, str(self.sequence), str(self.action), self.content_hash or "")
        return hash_key(**dict(zip(("target", "unified_id", "sequence", "action", "content"), parts, strict=True)))


@dataclass(frozen=True)
class Attempt:
    """What was recorded of sending an intent once.

    Args:
        key: of the intent.
        number: 1 for the first.
        status: `sending` before it.
    """

    key: str
    number: int
    status: AttemptStatus


@dataclass(frozen=True)
class Rules:
    """How a destination is kept up to date.

    Args:
        mode: of the destination.
        target: which place it is now.
        release: to be delivered.
        is_first: whether nothing was ever planned for this place.
        only_removals: whether nothing is added or updated, as there are too few or too many members.
    """

    mode: Mode
    target: str
    release: int
    is_first: bool = False
    only_removals: bool = False


def decide(entry: Entry, wanted: str | None, rules: Rules) -> Entry:
    """Compare what is wanted with what the destination has.

    Args:
        entry: of the profile; a new one for a profile that it has none of.
        wanted: content hash of the row that the destination is to have; None for no row.
        rules: of the destination.

    Returns: the entry with its intent, which is open if something is to be sent.
    """
    if entry.target != rules.target:
        entry = Entry(entry.unified_id, rules.target, entry.sequence)
    if rules.is_first and rules.mode == "changes":
        return replace(entry, sent_hash=wanted, release=rules.release)
    if rules.only_removals and wanted is not None:
        return _without_intent(entry)
    action = _action(entry, wanted, rules)
    if action is None:
        return _without_intent(entry)
    if entry.status != "acknowledged" and (entry.action, entry.content_hash) == (action, wanted):
        return entry
    return replace(
        entry,
        sequence=entry.sequence + 1,
        action=action,
        content_hash=wanted,
        status="pending",
        tries=0,
        refusals=0,
        release=rules.release,
    )


def _action(entry: Entry, wanted: str | None, rules: Rules) -> Action | None:
    if wanted is None:
        return "remove" if entry.sent_hash is not None or not entry.is_certain else None
    if entry.sent_hash is None or (rules.mode == "changes" and not entry.is_certain):
        return "add"
    if rules.mode == "changes":
        return None
    is_done = entry.is_certain and entry.sent_hash == wanted
    is_again = rules.mode == "full" and entry.release < rules.release
    return "update" if is_again or not is_done else None


def _without_intent(entry: Entry) -> Entry:
    return replace(entry, action=None, content_hash=None, status="acknowledged", tries=0, refusals=0)


def settle(entry: Entry, attempt: Attempt, *, max_refusals: int) -> Entry:
    """Apply what was recorded of an attempt; one that is of another intent, or was applied already, changes nothing."""
    if attempt.key != entry.key or attempt.number <= entry.tries:
        return entry
    tried = replace(entry, tries=attempt.number)
    if attempt.status == "acknowledged":
        return replace(tried, status="acknowledged", sent_hash=entry.content_hash, is_certain=True)
    if attempt.status == "refused":
        refusals = entry.refusals + 1
        return replace(tried, status="dead" if refusals >= max_refusals else "refused", refusals=refusals)
    if attempt.status == "unsent":
        return replace(tried, status="unsent")
    return replace(tried, status="unknown", is_certain=False)


def settle_all(entry: Entry, attempts: Iterable[Attempt], *, max_refusals: int) -> Entry:
    """Apply all that was recorded of the entry's attempts, in any order; a fate counts before its `sending`."""
    for attempt in sorted(attempts, key=lambda it: (it.number, it.status == "sending")):
        entry = settle(entry, attempt, max_refusals=max_refusals)
    return entry


def rows_to_send(entries: Iterable[Entry], values: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Make the rows of the open entries: who has to go first, then by unified_id.

    Args:
        entries: of a destination.
        values: of the wanted rows, by unified_id.
    """
    found = sorted((it for it in entries if it.status in OPEN), key=lambda it: (it.action != "remove", it.unified_id))
    return [
        Row(it.unified_id, it.action, it.key, {} if it.action == "remove" else values[it.unified_id])
        for it in found
        if it.action is not None
    ]


def send_rows(
    rows: Sequence[Row],
    sender: Sender,
    record: Callable[[Sequence[Row], Sequence[Fate] | None], None],
    *,
    chunk_rows: int,
) -> tuple[dict[FateStatus, int], str]:
    """Send rows batch by batch, and leave a destination that is down after some of them.

    Args:
        rows: each of another profile.
        sender: to send them with.
        record: called with rows and None before they are sent, with rows and their fates afterwards.
        chunk_rows: rows that are recorded together.

    Returns: how many rows had which fate, and why the destination was left, if it was.
    """
    counts: dict[FateStatus, int] = {"acknowledged": 0, "refused": 0, "unknown": 0, "unsent": 0}
    problem, failed = "", 0
    for chunk in _parts(rows, max(chunk_rows, sender.batch_rows)):
        record(chunk, None)
        fates: list[Fate] = []
        for batch in _parts(chunk, sender.batch_rows):
            if problem:
                fates += [Fate("unsent", problem)] * len(batch)
                continue
            found = sender.send(batch)
            is_judged = any(fate.status in ("acknowledged", "refused") for fate in found)
            failed = 0 if is_judged else failed + 1
            stop = next((fate for fate in found if fate.stops), found[-1] if failed >= MAX_FAILED_BATCHES else None)
            problem = stop.reason if stop else ""
            fates += found
        record(chunk, fates)
        for fate in fates:
            counts[fate.status] += 1
        if problem:
            counts["unsent"] += len(rows) - sum(counts.values())
            break
    return counts, problem


def _parts(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
