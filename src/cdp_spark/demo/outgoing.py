"""What the demo shows of its segments' way out: whom they share, and a delivery to a receiver that fails once."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.tables.catalog import DELIVERY_ATTEMPTS, SEGMENT_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdp_spark.config.project import Project
    from cdp_spark.demo.receiver import Receiver
    from cdp_spark.tables.store import Store

_COLUMNS = ("email", "given_name")
_PEOPLE = ("exclude", "contact_point", "experiment", "ignore_hold_out")
"""What else of a destination says who goes there."""
_STEPS = ("sending", "refused", "unknown", "unsent", "acknowledged")


@dataclass(frozen=True)
class Outgoing:
    """What became of the segments.

    Args:
        overlaps: of each two segments that share members, how many.
        requests: that the receiver got: rows, and the status that it answered.
        ledger: lines of `delivery_attempts` for the receiver, in numbers of rows.
        has: people whom the receiver has.
    """

    overlaps: tuple[Mapping[str, Any], ...] = ()
    requests: tuple[Mapping[str, Any], ...] = ()
    ledger: tuple[Mapping[str, Any], ...] = ()
    has: int = 0


@contextmanager
def delivering(project: Project) -> Iterator[tuple[Project, Receiver | None]]:
    """Open a receiver that fails once, and a project that also sends the first export's people to it.

    Without the extra `activation` the project stays as it is.
    """
    exports = project.destinations.files
    if not exports or not all(find_spec(name) for name in ("httpx", "standardwebhooks")):
        yield project, None
        return
    from cdp_spark.demo.receiver import destination_of, open_receiver  # noqa: PLC0415 - an extra

    with open_receiver(failures=1) as receiver:
        first = exports[0]
        added = destination_of(receiver, segments=first.included, columns=_COLUMNS, purpose=first.purpose)
        same_people = {name: getattr(first, name) for name in _PEOPLE}
        config = project.destinations
        destinations = config.model_copy(
            update={"destinations": (*config.destinations, added.model_copy(update=same_people))}
        )
        yield project.model_copy(update={"destinations": destinations}), receiver


def find_outgoing(store: Store, receiver: Receiver | None, *, run_id: str, versions: Mapping[str, int]) -> Outgoing:
    """Find what a run's segments share, and what came to the receiver.

    Args:
        store: the warehouse.
        receiver: of the run; None where there was none.
        run_id: of the run.
        versions: of the release's tables.
    """
    overlaps = tuple(_overlaps(store, versions))
    if receiver is None:
        return Outgoing(overlaps)
    requests = tuple({"request": it.message_id[:8], "rows": it.rows, "answer": it.status} for it in receiver.requests)
    return Outgoing(overlaps, requests, tuple(_ledger(store, run_id)), len(receiver.people))


def _overlaps(store: Store, versions: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    if SEGMENT_MEMBERS.name not in versions:
        return
    names = (c.SEGMENT, c.UNIFIED_ID, c.EXITED_AT)
    members: defaultdict[str, set[str]] = defaultdict(set)
    for row in store.fetch(SEGMENT_MEMBERS, names, version=versions[SEGMENT_MEMBERS.name]).to_pylist():
        if row[c.EXITED_AT] is None:
            members[row[c.SEGMENT]].add(row[c.UNIFIED_ID])
    for one, other in combinations(sorted(members), 2):
        if shared := len(members[one] & members[other]):
            smaller = min(len(members[one]), len(members[other]))
            yield {"segment": one, "and": other, "shared": shared, "of the smaller": f"{shared / smaller:.0%}"}


def _ledger(store: Store, run_id: str) -> Iterator[dict[str, Any]]:
    only = {c.RUN_ID: pa.array([run_id])}
    names = (c.DESTINATION, c.ATTEMPT, c.ACTION, c.STATUS)
    rows = store.fetch(DELIVERY_ATTEMPTS, names, only=only).to_pylist()
    counts = Counter(tuple(row[name] for name in names) for row in rows)
    for destination, attempt, action, status in sorted(counts, key=lambda it: (*it[:3], _STEPS.index(it[3]))):
        yield {
            "destination": destination,
            "attempt": attempt,
            "action": action,
            "status": status,
            "rows": counts[destination, attempt, action, status],
        }
