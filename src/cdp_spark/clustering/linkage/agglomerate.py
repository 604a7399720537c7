"""Average-linkage clustering of one piece, in time of about pairs times log(pairs), in memory of pairs."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from cdp_spark.clustering.linkage.evidence import UNITS_PER_BIT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Candidate = tuple[float, int, int]
"""Minus an upper bound of the mean, and two parts by their smallest records: a heap's smallest joins first."""

Join = tuple[int, int, float]
"""Two parts by their smallest records, the first of which absorbs the second, and their mean weight in units."""

_UNDECIDED = 2 * UNITS_PER_BIT
"""A part whose best two neighbours are no further apart belongs to either, at odds of less than four to one."""
_OPPOSED = -3 * UNITS_PER_BIT
"""From here on, odds of eight to one, two parts are taken for different people: they contradict each other."""


@dataclass
class Parts:
    """The current parts of a piece; a part goes by its smallest record.

    Args:
        records: number of records per part.
        excess: per part, the neighbours with a known pair and the sum of (weight - missing) over the known pairs.
            So the mean of two parts is missing + excess / (records * records), and a missing pair takes no memory.
        apart: per part, the parts that a cannot-link keeps it from.
        must_agree: per constraint, each part's value or -1.
        must_differ: per constraint, each part's values.
        absorbed_by: the part that each part went into, itself while it lives.
    """

    records: list[int]
    excess: list[dict[int, int]]
    apart: list[set[int]]
    must_agree: list[list[int]]
    must_differ: list[list[set[int]]]
    absorbed_by: list[int]

    @classmethod
    def of_single_records(
        cls,
        size: int,
        links: list[tuple[int, int, int]],
        cannot_link: list[tuple[int, int]],
        must_agree: list[list[int]],
        must_differ: list[list[int]],
    ) -> Parts:
        """Start with every record apart; links are (part, part, excess)."""
        values = [[{code} if code >= 0 else set() for code in codes] for codes in must_differ]
        parts = cls(
            [1] * size, [{} for _ in range(size)], [set() for _ in range(size)], must_agree, values, list(range(size))
        )
        for low, high, excess in links:
            parts.excess[low][high] = parts.excess[high][low] = excess
        for low, high in cannot_link:
            parts.apart[low].add(high)
            parts.apart[high].add(low)
        return parts

    def may_join(self, low: int, high: int) -> bool:
        """Say whether no constraint keeps two parts from each other."""
        if high in self.apart[low]:
            return False
        if any(-1 < value[low] != value[high] > -1 for value in self.must_agree):
            return False
        return all(values[low].isdisjoint(values[high]) for values in self.must_differ)

    def join(self, low: int, high: int) -> Iterator[int]:
        """Let `low` absorb `high`; yield the neighbours that came with it."""
        self.absorbed_by[high] = low
        self.records[low] += self.records[high]
        self._join_constraints(low, high)
        del self.excess[low][high], self.excess[high][low]
        for neighbour, excess in self.excess[high].items():
            del self.excess[neighbour][high]
            total = self.excess[low].get(neighbour, 0) + excess
            self.excess[low][neighbour] = self.excess[neighbour][low] = total
            yield neighbour
        self.excess[high] = {}

    def _join_constraints(self, low: int, high: int) -> None:
        for other in self.apart[high]:
            self.apart[other].discard(high)
            self.apart[other].add(low)
        self.apart[low] |= self.apart[high]
        for value in self.must_agree:
            value[low] = max(value[low], value[high])
        for values in self.must_differ:
            values[low] |= values[high]

    def labels(self) -> list[int]:
        """Name the part of each record."""
        labels: list[int] = []
        for record, target in enumerate(self.absorbed_by):
            labels.append(record if target == record else labels[target])
        return labels


def agglomerate(parts: Parts, *, missing: int) -> list[int]:
    """Join the two parts of the largest mean, ties by the smallest records, until no mean is positive.

    A part that belongs to either of two others, which exclude each other, joins neither; nor do two such parts join
    each other.

    Args:
        parts: the records of a piece, apart; used up.
        missing: what a pair that was never compared counts, in units; negative.
    Returns: the smallest record of each record's part.
    """
    for _ in join_parts(parts, missing=missing):
        pass
    return parts.labels()


def join_parts(parts: Parts, *, missing: int) -> Iterator[Join]:
    """Join parts one by one, the two of the largest mean first.

    Where a part grows by a neighbour's records, its mean with the neighbour's neighbours is the larger of two means at
    most. So a candidate in the heap is never too small, only too large: it is checked when it is taken out, and only
    the neighbours of the absorbed part need new candidates, and those of both about whom it was undecided.

    Args:
        parts: the records of a piece, apart; used up.
        missing: what a pair that was never compared counts, in units; negative.
    Yields: each join after it was made.
    """
    heap = [
        (-float(excess), low, high)
        for low, neighbours in enumerate(parts.excess)
        for high, excess in neighbours.items()
        if low < high and excess > -missing
    ]
    heapify(heap)
    undecided: defaultdict[int, set[int]] = defaultdict(set)
    while heap:
        taken = heappop(heap)
        _, low, high = taken
        current = _candidate(parts, low, high, missing=missing)
        if current is None or not parts.may_join(low, high):
            continue
        if current != taken:
            heappush(heap, current)
            continue
        if _are_undecided(parts, low, high, undecided, missing=missing):
            undecided[low].add(high)
            undecided[high].add(low)
            continue
        settled = _settle(undecided, low) | _settle(undecided, high)
        for neighbour in {*parts.join(low, high), *settled} - {low}:
            candidate = _candidate(parts, min(low, neighbour), max(low, neighbour), missing=missing)
            if candidate is not None:
                heappush(heap, candidate)
        yield low, high, missing - taken[0]


def _settle(undecided: dict[int, set[int]], part: int) -> set[int]:
    """Forget what a part was undecided about before it grew, and return those parts."""
    others = undecided.pop(part, set())
    for other in others:
        undecided[other].discard(part)
    return others


def _are_undecided(parts: Parts, low: int, high: int, undecided: Mapping[int, set[int]], *, missing: int) -> bool:
    """Tell whether a part belongs to a rival of the other as well, or both to what one of them is undecided about."""
    return any(
        _is_undecided(parts, part, other, missing=missing)
        or _shares_doubt(parts, other, undecided.get(part, ()), missing=missing)
        for part, other in ((low, high), (high, low))
    )


def _shares_doubt(parts: Parts, part: int, rivals: Iterable[int], *, missing: int) -> bool:
    """Tell whether a part may belong to what another one is undecided about: then they need not be of one person."""
    return any(it in parts.excess[part] and _mean(parts, part, it, missing=missing) > 0 for it in rivals)


def _is_undecided(parts: Parts, part: int, chosen: int, *, missing: int) -> bool:
    """Tell whether a part belongs nearly as well to a rival of the chosen one, which it cannot join as well."""
    least = max(_mean(parts, part, chosen, missing=missing) - _UNDECIDED, 0.0)
    rivals = parts.excess[part].keys() & parts.excess[chosen].keys()
    return any(
        _mean(parts, rival, chosen, missing=missing) <= _OPPOSED
        and _mean(parts, part, rival, missing=missing) > least
        and parts.may_join(part, rival)
        and not _would_join(parts, (chosen, part), rival, missing=missing)
        and not _would_join(parts, (rival, part), chosen, missing=missing)
        for rival in rivals
    )


def _would_join(parts: Parts, both: tuple[int, int], other: int, *, missing: int) -> bool:
    """Tell whether two parts, once joined, would join a third."""
    if not all(parts.may_join(it, other) for it in both):
        return False
    excess = sum(parts.excess[it].get(other, 0) for it in both)
    pairs = sum(parts.records[it] for it in both) * parts.records[other]
    return excess > -missing * pairs


def _mean(parts: Parts, low: int, high: int, *, missing: int) -> float:
    """Mean weight of two parts in units, rounded so that equal means are equal."""
    return round(missing + parts.excess[low][high] / (parts.records[low] * parts.records[high]), 6)


def _candidate(parts: Parts, low: int, high: int, *, missing: int) -> Candidate | None:
    excess = parts.excess[low].get(high)
    if excess is None:
        return None
    pairs = parts.records[low] * parts.records[high]
    return (-excess / pairs, low, high) if excess > -missing * pairs else None
