"""Match clusters to ids one to one, best first, and issue ids to those that remain; as `assign` does in Spark."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from cdp_spark.identity.on_driver.rules.offers import find_offers
from cdp_spark.identity.terms import LIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from cdp_spark.identity.issuer import Issuer
    from cdp_spark.identity.on_driver.rules.offers import Offer
    from cdp_spark.identity.on_driver.rules.rows import FormerHolder, Issued, Key, Member

Identifiers = list[tuple[str, ...]]
"""Strong, usable identifiers: record key, type, hash of the value."""


class _Candidate(NamedTuple):
    """An offer in the order of `best_first`: the lower, the better."""

    of_visitors: bool
    tier: int
    other_identifiers: int  # less than none: minus those in common
    other_records: int
    created_release: int
    unified_id: str
    first_key: str


@dataclass(frozen=True)
class Assigned:
    """Tonight's ids.

    Args:
        ids: by record.
        merged_into: where contested ids went that no cluster bears any more.
        split_from: where new ids of clusters with records of yesterday came from.
    """

    ids: dict[Key, str]
    merged_into: dict[str, str]
    split_from: dict[str, str]


def assign_on_driver(
    members: Sequence[Member],
    registry: Mapping[str, Issued],
    former: Sequence[FormerHolder],
    read_identifiers: Callable[[Collection[str]], Identifiers],
    issuer: Issuer,
) -> Assigned:
    """What `assign_ids` gives.

    Args:
        members: all rows of `build_members`.
        registry: at least the ids that members or former holders had, by id.
        former: at least the former holders among the members.
        read_identifiers: asked for the identifiers of some records where an id is contested.
        issuer: of new ids.
    """
    settled, offers = find_offers(members, former)
    known = [offer for offer in offers if offer.unified_id in registry]
    candidates = _rank(known, members, former, registry, read_identifiers) if known else []
    chosen = _match_best_first(candidates)
    bears = {
        first: settled.get(first) or chosen.get(first) or issuer.new_id(first)
        for first in {member.first_key for member in members}
    }
    served = set(chosen.values())
    merged_into: dict[str, str] = {}
    split_from: dict[str, str] = {}
    for it in candidates:
        if registry[it.unified_id].status == LIVE:
            if it.unified_id not in served:
                merged_into.setdefault(it.unified_id, bears[it.first_key])
            if it.first_key not in chosen:
                split_from.setdefault(bears[it.first_key], it.unified_id)
    return Assigned({member.key: bears[member.first_key] for member in members}, merged_into, split_from)


def _rank(
    offers: Sequence[Offer],
    members: Sequence[Member],
    former: Sequence[FormerHolder],
    registry: Mapping[str, Issued],
    read_identifiers: Callable[[Collection[str]], Identifiers],
) -> list[_Candidate]:
    """The offers, the best first, by the identifiers that cluster and holders of the id have in common, too."""
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
        _Candidate(
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


def _match_best_first(candidates: Sequence[_Candidate]) -> dict[str, str]:
    """The id of each cluster that gets one of the candidates."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for it in candidates:
        if it.first_key not in chosen and it.unified_id not in taken:
            chosen[it.first_key] = it.unified_id
            taken.add(it.unified_id)
    return chosen
