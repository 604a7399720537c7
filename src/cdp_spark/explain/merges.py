"""How the records of a cluster came together, step by step, by the code that refines clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark.clustering.linkage.agglomerate import Parts, join_parts
from cdp_spark.clustering.linkage.evidence import UNITS_PER_BIT, as_pairs
from cdp_spark.clustering.linkage.refine import missing_units
from cdp_spark.explain.chain import Link

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CERTAIN = float("inf")


@dataclass(frozen=True)
class Merge:
    """A step in which two parts became one.

    Args:
        left: the smallest record_key of one part.
        right: that of the other.
        records_l: records of the one.
        records_r: records of the other.
        mean_log2: bits, the mean over all pairs between them; infinite where a rule or a label joins one of them.
        compared: pairs between them that were compared; the others count as a small weight against.
        strongest: the pair between them that weighs the most.
    """

    left: str
    right: str
    records_l: int
    records_r: int
    mean_log2: float
    compared: int
    strongest: Link

    @property
    def pairs(self) -> int:
        """Pairs between the parts."""
        return self.records_l * self.records_r


def replay_merges(
    record_keys: Sequence[str], weights: Mapping[tuple[str, str], float], *, missing_weight: float
) -> tuple[Merge, ...]:
    """Join a cluster's records again, in the order in which average linkage joins them.

    Within a final cluster no limit and no cannot-link applies, so its own pairs give the same steps as its whole
    component did; but for a record outside that a part belonged to nearly as well: it made the part wait, and other
    parts join first.

    Args:
        record_keys: of the cluster, ascending.
        weights: bits of the compared pairs among them, smaller key first; infinite for a certain pair.
        missing_weight: what a pair that was never compared counts, bits; negative.
    Returns: the steps; one less than records, unless the weights are newer than the cluster, or a record outside it
        made a part wait.
    """
    missing = missing_units(missing_weight)
    neighbours = _neighbours(weights)
    members = {number: [key] for number, key in enumerate(record_keys)}
    merges = []
    for low, high, mean in join_parts(_parts(record_keys, weights, missing), missing=missing):
        one, other = members[low], members.pop(high)
        merges.append(_merge(one, other, neighbours, mean / UNITS_PER_BIT))
        members[low] = one + other
    return tuple(merges)


def weakest_merge(merges: Sequence[Merge]) -> Merge | None:
    """The step of the smallest mean: there the cluster would break first."""
    return min(merges, key=lambda it: it.mean_log2, default=None)


def _parts(record_keys: Sequence[str], weights: Mapping[tuple[str, str], float], missing: int) -> Parts:
    place = {key: number for number, key in enumerate(record_keys)}
    left, right = (np.array([place[pair[side]] for pair in weights], dtype=np.int64) for side in (0, 1))
    bits = np.array(list(weights.values()), dtype=np.float64)
    pairs = as_pairs(left, right, bits, np.isinf(bits))
    links = np.stack([pairs.left, pairs.right, pairs.weight - missing], axis=1)
    return Parts.of_single_records(len(record_keys), links.tolist(), [], [], [])


def _neighbours(weights: Mapping[tuple[str, str], float]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for (left, right), weight in weights.items():
        found.setdefault(left, {})[right] = weight
        found.setdefault(right, {})[left] = weight
    return found


def _merge(
    one: Sequence[str], other: Sequence[str], neighbours: Mapping[str, Mapping[str, float]], mean_log2: float
) -> Merge:
    fewer, more = sorted((one, other), key=len)
    wanted = set(more)
    links = [
        Link(key, neighbour, weight)
        for key in fewer
        for neighbour, weight in neighbours.get(key, {}).items()
        if neighbour in wanted
    ]
    strongest = min(links, key=lambda it: (-it.weight_log2, it.left, it.right))
    mean = CERTAIN if strongest.weight_log2 == CERTAIN else mean_log2
    return Merge(one[0], other[0], len(one), len(other), mean, len(links), strongest)
