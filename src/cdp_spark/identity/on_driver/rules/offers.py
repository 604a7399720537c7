"""Which of yesterday's ids, live or gone, a cluster could bear; as `overlaps` and `returns` find them in Spark."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.identity.terms import VISITOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.identity.on_driver.rules.rows import FormerHolder, Key, Member

Pair = tuple[str, str]
"""A cluster, named by its first key, and an id."""


class Offer(NamedTuple):
    """An id that a cluster could bear."""

    first_key: str
    unified_id: str
    tier: int
    records: int
    of_visitors: bool


@dataclass
class _Shared:
    """The records that a cluster and an id share: how many, whether all are visitors, and their ids of yesterday."""

    records: int = 0
    of_visitors: bool = True
    homes: Counter[str | None] = field(default_factory=Counter)

    def add(self, member: Member) -> None:
        self.records += 1
        self.of_visitors &= member.entity_type == VISITOR
        self.homes[member.previous_id] += 1


def find_offers(members: Sequence[Member], former: Sequence[FormerHolder]) -> tuple[dict[str, str], list[Offer]]:
    """Settle the clusters and ids that have only each other, and put the ids that others could bear into tiers.

    Returns:
        the ids of the settled clusters by first key; and what `build_candidates` gives.
    """
    overlaps: defaultdict[Pair, _Shared] = defaultdict(_Shared)
    for member in members:
        if member.previous_id is not None:
            overlaps[member.first_key, member.previous_id].add(member)
    ids_of, clusters_of = Counter(first for first, _ in overlaps), Counter(held for _, held in overlaps)
    settled = {first: held for first, held in overlaps if ids_of[first] == clusters_of[held] == 1}
    contested = {pair: shared for pair, shared in overlaps.items() if pair[0] not in settled}
    returns = _find_returns(members, former)
    undone = _find_undone(contested, returns)
    given_back = {(first, returns[first][0]) for first, _ in undone}
    offers = [
        Offer(*pair, 1 if pair in undone else 0, shared.records, shared.of_visitors)
        for pair, shared in contested.items()
    ]
    offers += [
        Offer(first, gone, 0 if (first, gone) in given_back else 2, shared.records, shared.of_visitors)
        for first, (gone, shared) in returns.items()
        if first not in settled
    ]
    return settled, offers


def _find_returns(members: Sequence[Member], former: Sequence[FormerHolder]) -> dict[str, tuple[str, _Shared]]:
    """The id that is gone and comes back to a cluster, if any, with the former holders there; see `build_returns`."""
    held: defaultdict[Key, list[FormerHolder]] = defaultdict(list)
    for holder in former:
        held[holder.record_key, holder.entity_type].append(holder)
    shared: defaultdict[Pair, _Shared] = defaultdict(_Shared)
    ended: dict[str, tuple[int, int]] = {}
    for member in members:
        for holder in held.get(member.key, ()):
            shared[member.first_key, holder.unified_id].add(member)
            ended[holder.unified_id] = holder.closed_release, holder.created_release
    most: defaultdict[str, int] = defaultdict(int)
    for (_, gone), found in shared.items():
        most[gone] = max(most[gone], found.records)
    best: dict[str, tuple[int, int, int, str]] = {}
    for (first, gone), found in shared.items():
        if found.records == most[gone]:
            offer = (-found.records, *ended[gone], gone)
            best[first] = min(best.get(first, offer), offer)
    return {first: (gone, shared[first, gone]) for first, (*_, gone) in best.items()}


def _find_undone(contested: Mapping[Pair, _Shared], returns: Mapping[str, tuple[str, _Shared]]) -> set[Pair]:
    """The parts of split ids that came to them by a merge, where another part did not; see `build_undone_merges`."""
    parts = Counter(held for _, held in contested)
    came = {
        (first, held)
        for (first, held), shared in contested.items()
        if first in returns and 2 * returns[first][1].homes[held] > shared.records
    }
    returning = Counter(held for _, held in came)
    return {(first, held) for first, held in came if returning[held] < parts[held]}
