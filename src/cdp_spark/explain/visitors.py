"""Why a visitor is where it is: visitors are never compared, their identifiers place them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.frames import read_current_labels
from cdp_spark.clustering.labels import CANNOT_LINK, MUST_LINK
from cdp_spark.explain.identifiers import read_holdings, shared_types
from cdp_spark.explain.pairs.verdict import CUT_WORDS
from cdp_spark.tables.catalog import CLUSTERS, CUTS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from cdp_spark.explain.identifiers import Value
    from cdp_spark.explain.pairs.facts import RecordName
    from cdp_spark.tables.store import Store

Pair = tuple[str, str]
MAX_CHOICE = 200
"""Records a side among which one with an identifier in common is looked for."""


@dataclass(frozen=True)
class VisitorPlace:
    """What leads a visitor into its cluster.

    Args:
        visitor: its record.
        identifier_type: the first, by priority, that it has in common with another record there, one of a person
            before one of a visitor; None where a label led it there, or nothing did and it is alone.
        shared_with: that record, or the one that the label names.
        labelled: whether it is there by a must-link, which goes before identifiers.
    """

    visitor: RecordName
    identifier_type: str | None
    shared_with: RecordName | None
    labelled: bool = False


@dataclass(frozen=True)
class VisitorPair:
    """A visitor and another record.

    Args:
        left: the one that was named first.
        right: the other.
        shared: types of the usable identifiers in common, by priority.
        cluster_l: of the left record; None before it was clustered.
        cluster_r: of the right one.
        cut_reason: why an identifier does not lead the visitor to the other's cluster; None where none would.
        cut_type: of that identifier.
        label: in force.
    """

    left: RecordName
    right: RecordName
    shared: tuple[str, ...]
    cluster_l: str | None
    cluster_r: str | None
    cut_reason: str | None
    cut_type: str | None
    label: str | None

    @property
    def together(self) -> bool:
        """True where the last run put both into one cluster."""
        return self.cluster_l is not None and self.cluster_l == self.cluster_r

    @property
    def verdict(self) -> str:
        """What came of them, and why, in one sentence."""
        if self.cluster_l is None or self.cluster_r is None:
            return "not clustered yet: the next run will"
        return f"Same person: {self._together()}" if self.together else f"apart: {self._apart()}"

    def _together(self) -> str:
        if self.label == MUST_LINK:
            return "a must-link joins them"
        if self.label == CANNOT_LINK:
            return "but the next run parts them, by the cannot-link"
        if self.shared:
            return f"both have the same {self.shared[0]}"
        return "nothing in common, but other records of the cluster lead the visitor there"

    def _apart(self) -> str:
        if self.label == CANNOT_LINK:
            return "a cannot-link parts them"
        if self.label == MUST_LINK:
            return "but the next run joins them, by the must-link"
        if self.cut_reason is not None:
            return f"{self.cut_type} would join them, but {CUT_WORDS[self.cut_reason]}"
        if self.shared:
            return f"both have the same {self.shared[0]}, but what goes before it, or a limit, leads elsewhere"
        return "no identifier in common; a visitor is placed by identifiers and never compared"


def place_visitors(
    visitors: Sequence[RecordName],
    people: Sequence[RecordName],
    holdings: Mapping[str, frozenset[Value]],
    types: Sequence[str],
    must_links: Collection[Pair] = (),
) -> tuple[VisitorPlace, ...]:
    """Say of each visitor of a cluster what leads it there.

    Args:
        visitors: of the cluster.
        people: its other records.
        holdings: usable identifiers of all of them.
        types: of identifiers, by priority.
        must_links: pairs of record keys, the smaller first.
    """
    holders = [_first_holders(records, holdings) for records in (people, visitors)]
    named = {it.record_key: it for it in people}
    said = {key: named[other] for pair in must_links for key, other in (pair, pair[::-1]) if other in named}
    return tuple(
        VisitorPlace(visitor, None, said[visitor.record_key], labelled=True)
        if visitor.record_key in said
        else _place(visitor, holders, holdings, types)
        for visitor in visitors
    )


def explain_visitor(
    store: Store, lefts: Sequence[RecordName], rights: Sequence[RecordName], *, types: Sequence[str]
) -> VisitorPair:
    """Explain a visitor and another record; of several records a side, two with an identifier in common.

    Args:
        store: the warehouse.
        lefts: records on one side, at least one.
        rights: records on the other side, at least one.
        types: of identifiers, by priority.
    """
    sides = lefts[:MAX_CHOICE], rights[:MAX_CHOICE]
    holdings = read_holdings(store, [it.record_key for side in sides for it in side])
    pairs = [(one, other) for one in sides[0] for other in sides[1]]
    shared = {pair: tuple(shared_types(holdings, pair[0].record_key, pair[1].record_key, types)) for pair in pairs}
    left, right = max(pairs, key=lambda pair: bool(shared[pair]))  # the first of them
    keys = [left.record_key, right.record_key]
    rows = store.read(CLUSTERS).where(F.col(c.RECORD_KEY).isin(keys)).collect()
    cluster = {row[c.RECORD_KEY]: row[c.CLUSTER] for row in rows}
    places = [cluster.get(key) for key in keys]
    cut = _cut(store, {*zip(keys, reversed(places), strict=True)})
    label = read_current_labels(store).where(
        (F.col(c.RECORD_KEY_L) == min(keys)) & (F.col(c.RECORD_KEY_R) == max(keys))
    )
    said = [row[c.LABEL] for row in label.collect()]
    return VisitorPair(left, right, shared[left, right], places[0], places[1], *cut, said[0] if said else None)


def _cut(store: Store, wanted: set[tuple[str, str | None]]) -> tuple[str | None, str | None]:
    """Reason and type of what would have joined a visitor to a cluster; a cut names the visitor and the cluster."""
    ends = {(min(key, other), max(key, other)) for key, other in wanted if other is not None}
    either = F.lit(False)
    for low, high in sorted(ends):
        either = either | ((F.col(c.RECORD_KEY_L) == low) & (F.col(c.RECORD_KEY_R) == high))
    rows = store.read(CUTS).where(either).orderBy(c.REASON).limit(1).collect()
    return (rows[0][c.REASON], rows[0][c.IDENTIFIER_TYPE]) if rows else (None, None)


def _first_holders(
    records: Sequence[RecordName], holdings: Mapping[str, frozenset[Value]]
) -> dict[Value, list[RecordName]]:
    """Up to two holders of each value, the smallest keys, so that one of them is another record."""
    found: dict[Value, list[RecordName]] = {}
    for record in sorted(records, key=lambda it: it.record_key):
        for value in holdings.get(record.record_key, frozenset()):
            holders = found.setdefault(value, [])
            if len(holders) < 2:
                holders.append(record)
    return found


def _place(
    visitor: RecordName,
    holders: Sequence[Mapping[Value, Sequence[RecordName]]],
    holdings: Mapping[str, frozenset[Value]],
    types: Sequence[str],
) -> VisitorPlace:
    borne = holdings.get(visitor.record_key, frozenset())
    ranked = sorted((value for value in borne if value[0] in types), key=lambda it: (types.index(it[0]), it[1]))
    for of_group in holders:
        for value in ranked:
            others = [it for it in of_group.get(value, ()) if it.record_key != visitor.record_key]
            if others:
                return VisitorPlace(visitor, value[0], others[0])
    return VisitorPlace(visitor, None, None)
