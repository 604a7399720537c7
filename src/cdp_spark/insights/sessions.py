"""Sessions: a person's events in a source that belong to one visit.

1. Events are sorted by person, source and time. A session ends where the person or the source changes, and after a
   pause longer than the source's time-out.
2. The preset `ua` (Universal Analytics) also ends it at midnight in the property's time zone, and where an event names
   another campaign than the session so far. `ga4`, the default, does neither.
3. `number_sessions` tells each event's session, `build_sessions` makes one row a session.

Everything is done on whole columns, so a batch of Spark (whole persons) or a file is one call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError
from cdp_spark.groups import changes, group_numbers, group_starts, require_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SESSIONS = pa.schema(
    [
        (c.SESSION_ID, pa.string()),
        (c.UNIFIED_ID, pa.string()),
        (c.SOURCE, pa.string()),
        (c.SESSION_NUMBER, pa.int32()),
        (c.STARTED_AT, pa.timestamp("us", tz="UTC")),
        (c.ENDED_AT, pa.timestamp("us", tz="UTC")),
        (c.DURATION_SECONDS, pa.float64()),
        (c.EVENTS, pa.int32()),
        (c.PAGES, pa.int32()),
        (c.ENTRY_EVENT_TYPE, pa.string()),
        (c.ENTRY_URL, pa.string()),
        (c.EXIT_URL, pa.string()),
        (c.CHANNEL, pa.string()),
        (c.CAMPAIGN, pa.string()),
        (c.VALUE, pa.float64()),
    ]
)
"""One row a session, numbered from 1 per person and source. Its id is the key of its first event, and so stays when
later events arrive. Entry and exit are the first and last URL that is not null; `pages` counts the events with one;
channel and campaign are those of the first event that names either; `value` is the sum."""
_MICROSECONDS = 1_000_000
_KEYS = [c.UNIFIED_ID, c.SOURCE]


@dataclass(frozen=True)
class SessionRules:
    """When a session ends.

    Args:
        preset: `ga4` or `ua`.
        timeout: longest pause within a session; a pause as long as it does not end it.
        timeouts: of sources that have their own.
        time_zone: of the property, for `ua`'s midnight.
    Raises: ConfigError: a time-out is not above zero.
    """

    preset: Literal["ga4", "ua"] = "ga4"
    timeout: timedelta = timedelta(minutes=30)
    timeouts: Mapping[str, timedelta] = field(default_factory=dict)
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        if wrong := [str(it) for it in (self.timeout, *self.timeouts.values()) if it <= timedelta(0)]:
            raise ConfigError("sessions.timeout", got=", ".join(wrong), allowed="more than zero")


def number_sessions(events: pa.Table, rules: SessionRules) -> NDArray[np.int64]:
    """Return for each event the number of its session in the batch, from 0.

    Args:
        events: `unified_id`, `source` and `occurred_at_utc` (timestamp of microseconds, UTC), and for `ua` `campaign`
            (null: none named), sorted by the three and then by `event_key`; whole persons. Empty ones give none.
        rules: when a session ends.
    Raises: ContractError: the events are not sorted.
    """
    require_order(events, [*_KEYS, c.OCCURRED_AT], where="events")
    return group_numbers(_session_starts(events, rules), events.num_rows)


def build_sessions(events: pa.Table, rules: SessionRules) -> pa.Table:
    """Make one row a session.

    Args:
        events: as for `number_sessions`, with `event_key`, `event_type`, `url` (null: the event shows no page),
            `channel`, `campaign` and `value` (null counts as zero).
        rules: when a session ends.
    Returns: SESSIONS, in the order of the events.
    Raises: ContractError: the events are not sorted.
    """
    require_order(events, [*_KEYS, c.OCCURRED_AT], where="events")
    if not events.num_rows:
        return SESSIONS.empty_table()
    starts = _session_starts(events, rules)
    ends = np.append(starts[1:], events.num_rows) - 1
    first, last = events.take(pa.array(starts)), events.take(pa.array(ends))
    times = _microseconds(events)
    shown = _is_valid(events, c.URL)
    named = _first_valid(_is_valid(events, c.CHANNEL) | _is_valid(events, c.CAMPAIGN), starts, ends)
    values = np.asarray(pc.fill_null(events[c.VALUE].cast(pa.float64()), 0.0).to_numpy())
    columns = [
        first[c.EVENT_KEY],
        first[c.UNIFIED_ID],
        first[c.SOURCE],
        _ordinals(first),
        first[c.OCCURRED_AT],
        last[c.OCCURRED_AT],
        (times[ends] - times[starts]) / _MICROSECONDS,
        ends - starts + 1,
        np.add.reduceat(shown.astype(np.int64), starts),
        first[c.EVENT_TYPE],
        events[c.URL].take(_first_valid(shown, starts, ends)),
        events[c.URL].take(_last_valid(shown, starts)),
        events[c.CHANNEL].take(named),
        events[c.CAMPAIGN].take(named),
        np.add.reduceat(values, starts),
    ]
    return pa.table(dict(zip(SESSIONS.names, columns, strict=True))).cast(SESSIONS)


def _session_starts(events: pa.Table, rules: SessionRules) -> NDArray[np.int64]:
    if not events.num_rows:
        return np.empty(0, dtype=np.int64)
    new = changes(events, _KEYS) | (np.diff(_microseconds(events)) > _timeouts(events, rules))
    if rules.preset == "ua":
        new |= np.diff(_local_days(events, rules.time_zone)) != 0
        new |= _campaign_begins(events, new)
    return np.flatnonzero(np.append(True, new))


def _microseconds(events: pa.Table) -> NDArray[np.int64]:
    times = events[c.OCCURRED_AT].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    return np.asarray(times.to_numpy(), dtype=np.int64)


def _timeouts(events: pa.Table, rules: SessionRules) -> NDArray[np.int64] | int:
    """Longest pause before each event but the first."""
    usual = rules.timeout // timedelta(microseconds=1)
    if not rules.timeouts:
        return usual
    sources = events[c.SOURCE].combine_chunks().dictionary_encode()
    names = sources.dictionary.to_pylist()
    pauses = np.array([rules.timeouts.get(it, rules.timeout) // timedelta(microseconds=1) for it in names])
    return np.asarray(pauses[sources.indices.to_numpy()][1:], dtype=np.int64)


def _local_days(events: pa.Table, time_zone: str) -> NDArray[np.int64]:
    zoned = events[c.OCCURRED_AT].cast(pa.timestamp("us", tz=time_zone))
    days = pc.local_timestamp(zoned).cast(pa.int64()).to_numpy() // (86_400 * _MICROSECONDS)
    return np.asarray(days, dtype=np.int64)


def _campaign_begins(events: pa.Table, ended: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each event but the first names another campaign than the last one named before it in the same visit.

    A visit that began without a campaign ends with the first one, too. Who comes back without one stays in the session.
    """
    named = np.flatnonzero(_is_valid(events, c.CAMPAIGN))
    begins = np.zeros(events.num_rows, dtype=np.bool_)
    visit = np.append(0, np.cumsum(ended))[named]
    other = changes(events.select([c.CAMPAIGN]).take(pa.array(named)), [c.CAMPAIGN])
    begins[named[:1]] = True
    begins[named[1:]] = other | (visit[1:] != visit[:-1])
    return begins[1:]


def _ordinals(first: pa.Table) -> NDArray[np.int64]:
    """Number of each session of its person and source, from 1."""
    starts = group_starts(first, _KEYS)
    return np.arange(first.num_rows) - starts[group_numbers(starts, first.num_rows)] + 1


def _is_valid(events: pa.Table, name: str) -> NDArray[np.bool_]:
    return np.asarray(events[name].is_valid().to_numpy(), dtype=np.bool_)


def _first_valid(valid: NDArray[np.bool_], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.Array:
    rows = np.where(valid, np.arange(len(valid)), len(valid))
    found = np.minimum.reduceat(rows, starts)
    return pa.array(found, mask=found > ends)


def _last_valid(valid: NDArray[np.bool_], starts: NDArray[np.int64]) -> pa.Array:
    rows = np.where(valid, np.arange(len(valid)), -1)
    found = np.maximum.reduceat(rows, starts)
    return pa.array(found, mask=found < starts)
