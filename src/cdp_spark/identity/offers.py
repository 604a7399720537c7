"""Contested ids: which one each cluster could bear, and which one it gets.

1. A cluster could bear the previous ids of its records, and one id that is gone, if most of its former holders are
   there.
2. Where the parts of a split id came to it by a merge, the merge is undone: they get back the id that they had before.
3. Clusters and ids are matched one to one, best first: people's records before visitors alone, so that a person keeps
   its id whatever visitors join or leave it; then tier, strong identifiers in common, records in common, older id,
   lowest id, first cluster.
4. A live id that no cluster gets was merged into that of its best cluster; a new id was split from its best live id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.identity.terms import LIVE, VISITOR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

Key = tuple[str, str]
"""A record's key and entity type."""
Pair = tuple[str, str]
"""A cluster, named by its first key, and an id."""
Identifiers = list[tuple[str, ...]]
"""Strong, usable identifiers: record key, type, hash of the value."""


class Member(NamedTuple):
    """A record of a contested cluster."""

    record_key: str
    entity_type: str
    previous_id: str | None
    first_key: str

    @property
    def key(self) -> Key:
        """The record under its entity type."""
        return self.record_key, self.entity_type


class FormerHolder(NamedTuple):
    """A record that held an id that is gone."""

    record_key: str
    entity_type: str
    unified_id: str
    created_release: int
    closed_release: int


class Issued(NamedTuple):
    """What the registry says of an id."""

    unified_id: str
    status: str
    created_release: int


class Candidate(NamedTuple):
    """An id that a cluster could bear, in the order in which they are served: the lower, the better."""

    of_visitors: bool
    tier: int
    other_identifiers: int  # less than none: minus those in common
    other_records: int
    created_release: int
    unified_id: str
    first_key: str


class _Offer(NamedTuple):
    """An id for a cluster.

    Tier 0 is a previous id, or the one that an undone merge gives back; 1 a previous id, for the part that an undone
    merge takes away from it; 2 any other id that is gone.
    """

    first_key: str
    unified_id: str
    tier: int
    records: int
    of_visitors: bool


@dataclass
class _Shared:
    """The records that a cluster and an id share: how many, whether all are visitors, and their previous ids."""

    records: int = 0
    of_visitors: bool = True
    homes: Counter[str | None] = field(default_factory=Counter)

    def add(self, member: Member) -> None:
        self.records += 1
        self.of_visitors &= member.entity_type == VISITOR
        self.homes[member.previous_id] += 1


@dataclass(frozen=True)
class Assigned:
    """What became of contested ids.

    Args:
        bears: the id of each cluster that got one, by first key.
        merged_into: the cluster to whose id an id led that no cluster bears any more.
        split_from: the id from which the new id of a cluster came, by first key.
    """

    bears: dict[str, str]
    merged_into: dict[str, str]
    split_from: dict[str, str]


def assign_contested(
    members: Sequence[Member],
    settled: Mapping[str, str],
    former: Sequence[FormerHolder],
    registry: Mapping[str, Issued],
    read_identifiers: Callable[[Collection[str]], Identifiers],
) -> Assigned:
    """Match clusters to ids.

    Args:
        members: of contested clusters.
        settled: the ids of those among them that are settled, by first key.
        former: the former holders among the members.
        registry: at least the ids that members or former holders had, by id.
        read_identifiers: asked for the identifiers of some records where there is anything to choose.
    """
    offers = [it for it in _find_offers(members, settled, former) if it.unified_id in registry]
    candidates = _rank(offers, members, former, registry, read_identifiers) if offers else []
    chosen = match_best_first(candidates)
    served = set(chosen.values())
    merged_into: dict[str, str] = {}
    split_from: dict[str, str] = {}
    for it in candidates:
        if registry[it.unified_id].status == LIVE:
            if it.unified_id not in served:
                merged_into.setdefault(it.unified_id, it.first_key)
            if it.first_key not in chosen:
                split_from.setdefault(it.first_key, it.unified_id)
    return Assigned(chosen, merged_into, split_from)


def match_best_first(candidates: Iterable[Candidate]) -> dict[str, str]:
    """Give each cluster one of its candidates, each id once.

    Args:
        candidates: in order.
    Returns: the ids by first key.
    """
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for it in candidates:
        if it.first_key not in chosen and it.unified_id not in taken:
            chosen[it.first_key] = it.unified_id
            taken.add(it.unified_id)
    return chosen


def _find_offers(members: Sequence[Member], settled: Mapping[str, str], former: Sequence[FormerHolder]) -> list[_Offer]:
    contested: defaultdict[Pair, _Shared] = defaultdict(_Shared)
    for member in members:
        if member.previous_id is not None and member.first_key not in settled:
            contested[member.first_key, member.previous_id].add(member)
    returns = _find_returns(members, former)
    undone = _find_undone(contested, returns)
    given_back = {(first, returns[first][0]) for first, _ in undone}
    offers = [
        _Offer(*pair, 1 if pair in undone else 0, shared.records, shared.of_visitors)
        for pair, shared in contested.items()
    ]
    offers += [
        _Offer(first, gone, 0 if (first, gone) in given_back else 2, shared.records, shared.of_visitors)
        for first, (gone, shared) in returns.items()
        if first not in settled
    ]
    return offers


def _find_returns(members: Sequence[Member], former: Sequence[FormerHolder]) -> dict[str, tuple[str, _Shared]]:
    """Offer an id that is gone to the cluster where most of its former holders are now.

    A cluster is offered one such id: that of most of its records; of several, the one that was closed first, so that
    a chain of merges comes apart from the inside.

    Returns: the id and its former holders there, by first key.
    """
    held: defaultdict[Key, list[FormerHolder]] = defaultdict(list)
    for holder in former:
        held[holder.record_key, holder.entity_type].append(holder)
    shared: defaultdict[Pair, _Shared] = defaultdict(_Shared)
    ended: dict[str, tuple[int, int]] = {}
    for member in members if held else ():
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
    """Find the parts of split ids that came to them by a merge, where another part did not.

    A part came by a merge when more than half of its records of the split id held the id before that it is offered.
    """
    if not returns:
        return set()
    parts = Counter(held for _, held in contested)
    came = {
        (first, held)
        for (first, held), shared in contested.items()
        if first in returns and 2 * returns[first][1].homes[held] > shared.records
    }
    returning = Counter(held for _, held in came)
    return {(first, held) for first, held in came if returning[held] < parts[held]}


def _rank(
    offers: Sequence[_Offer],
    members: Sequence[Member],
    former: Sequence[FormerHolder],
    registry: Mapping[str, Issued],
    read_identifiers: Callable[[Collection[str]], Identifiers],
) -> list[Candidate]:
    """Put the offers in order, by the identifiers that cluster and holders of the id have in common, too."""
    of_cluster = _records_of({offer.first_key for offer in offers}, ((it.first_key, it.record_key) for it in members))
    holders = [(it.previous_id, it.record_key) for it in members if it.previous_id is not None]
    holders += [(it.unified_id, it.record_key) for it in former]
    of_id = _records_of({offer.unified_id for offer in offers}, holders)
    values: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for record, kind, value in read_identifiers(set().union(*of_cluster.values(), *of_id.values())):
        values[record].add((kind, value))
    mine, theirs = (
        {name: set().union(*(values.get(record, ()) for record in records)) for name, records in side.items()}
        for side in (of_cluster, of_id)
    )
    return sorted(
        Candidate(
            of_visitors=offer.of_visitors,
            tier=offer.tier,
            other_identifiers=-len(mine[offer.first_key] & theirs[offer.unified_id]),
            other_records=-offer.records,
            created_release=registry[offer.unified_id].created_release,
            unified_id=offer.unified_id,
            first_key=offer.first_key,
        )
        for offer in offers
    )


def _records_of(wanted: set[str], pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    records: dict[str, set[str]] = {name: set() for name in wanted}
    for name, record in pairs:
        if name in wanted:
            records[name].add(record)
    return records
