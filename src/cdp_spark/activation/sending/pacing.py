"""Which rows wait: those that are over their channel's cap, or that would arrive in the person's quiet hours.

Destinations are gone through by priority, so the highest one uses up a person's cap first. A removal never waits. A row
that was sent before and may have arrived is the same message again: it takes nothing more of the cap.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from cdp_spark.config.sending import Cap, QuietHours
    from cdp_spark.id_moves import IdMoves

Wait = Literal["capped", "quiet"]


@dataclass(frozen=True)
class Due:
    """What a destination would be sent.

    Args:
        destination: its name.
        channel: of the destination; rows of one without a channel never wait.
        priority: the higher goes first.
        keys: unified_id to the idempotency key of the row to be added or updated.
        zones: unified_id to the person's time zone, where the channel has quiet hours.
    """

    destination: str
    channel: str | None
    priority: int
    keys: Mapping[str, str]
    zones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """A row that was acknowledged, or may have arrived, within its channel's window.

    Args:
        channel: that it went by.
        unified_id: that its person bears now.
        key: its idempotency key.
    """

    channel: str
    unified_id: str
    key: str


def follow_sent(rows: Iterable[tuple[str, str, int]], moves: IdMoves, *, channel: str) -> Iterator[Sent]:
    """Count rows that were sent for the ids that their people bear now: of a merge for one, of a split for both.

    Args:
        rows: unified_id, idempotency key and release of each.
        moves: of ids.
        channel: that the rows went by.
    """
    for unified_id, key, release in rows:
        for now in {moves.now(unified_id), *moves.parts_since(unified_id, release)}:
            if now is not None:
                yield Sent(channel, now, key)


def waiting(
    due: Iterable[Due],
    sent: Iterable[Sent],
    *,
    caps: Mapping[str, Cap],
    quiet_hours: Mapping[str, QuietHours],
    now: datetime,
) -> dict[str, dict[str, Wait]]:
    """Choose the rows that wait for a later run.

    Args:
        due: of all destinations that are sent to in a run.
        sent: by channels that have a cap.
        caps: by channel.
        quiet_hours: by channel.
        now: the time of sending, with a zone.
    Returns: destination to unified_id to why it waits.
    """
    used: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for it in sent:
        used[it.channel, it.unified_id].add(it.key)
    hours: dict[str, int] = {}
    found: dict[str, dict[str, Wait]] = {}
    for campaign in in_order(due):
        waits = found.setdefault(campaign.destination, {})
        channel = campaign.channel or ""
        quiet, cap = quiet_hours.get(channel), caps.get(channel)
        for unified_id, key in campaign.keys.items():
            if quiet is not None and quiet.holds(_hour(campaign.zones[unified_id], now, hours)):
                waits[unified_id] = "quiet"
            elif cap is not None and not _takes(used[channel, unified_id], key, cap):
                waits[unified_id] = "capped"
    return found


def in_order(due: Iterable[Due]) -> Sequence[Due]:
    """The highest priority first, those of one by name."""
    return sorted(due, key=lambda it: (-it.priority, it.destination))


def _hour(zone: str, now: datetime, known: dict[str, int]) -> int:
    """The hour on a zone's clock, which most people share."""
    if zone not in known:
        known[zone] = now.astimezone(ZoneInfo(zone)).hour
    return known[zone]


def _takes(used: set[str], key: str, cap: Cap) -> bool:
    """Take a row's place in the cap, if there is one left."""
    if key not in used and len(used) >= cap.at_most:
        return False
    used.add(key)
    return True
