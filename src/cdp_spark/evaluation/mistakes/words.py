"""What decided a mistake, in words: of evidence and levels, never of a person's values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdp_spark.clustering.labels import MUST_LINK
from cdp_spark.evaluation.pairs import ABOVE, BELOW, DETERMINISTIC
from cdp_spark.explain.pairs.verdict import CUT_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cdp_spark.explain.chain import Link

FALSE, MISSED = "false merge", "missed"
_TOLD = 3
"""Comparisons that are told of a pair."""
_MISSING = "missing"
_LEAST_BITS = 0.05
"""Less is shown as 0.0 and speaks neither for a pair nor against it."""


@dataclass(frozen=True)
class Part:
    """What one comparison says about a pair.

    Args:
        name: of the comparison.
        level: how alike the values are, in words.
        bits: by which it moves the match weight.
    """

    name: str
    level: str
    bits: float


@dataclass(frozen=True)
class Mistake:
    """A pair that was put together wrongly, or missed.

    Args:
        kind: `false merge` or `missed`.
        record_key_l: the record with the smaller key.
        record_key_r: the other.
        weight_log2: bits; of a pair that was never compared, an upper bound.
        reason: in words.
        comparisons: those that spoke most for a false merge and for a pair that was never compared, or against a pair
            that was compared and missed.
        chain: of a false merge that other records join, the records from one to the other, both included.
    """

    kind: str
    record_key_l: str
    record_key_r: str
    weight_log2: float
    reason: str
    comparisons: tuple[Part, ...] = ()
    chain: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decided:
    """What the last run knew about a compared pair.

    Args:
        weight_log2: bits.
        evidence: the pair's own: DETERMINISTIC, ABOVE or BELOW.
        rules: the deterministic rules that find it.
        identifiers: types of the identifiers that both records have and that join records.
        cut: why the edge was not used; None where none was cut.
        label: in force; None without one.
    """

    weight_log2: float
    evidence: str
    rules: Sequence[str] = ()
    identifiers: Sequence[str] = ()
    cut: str | None = None
    label: str | None = None


def why_false(pair: Decided, chain: Sequence[Link], *, threshold_log2: float) -> str:
    """Why two records of two entities are in one cluster."""
    if pair.label == MUST_LINK:
        return "joined directly, by a must-link"
    if pair.evidence == DETERMINISTIC:
        return f"joined directly, by the deterministic rule {_listed(pair.rules)}".rstrip()
    if pair.identifiers:
        return f"joined directly, by the {_listed(pair.identifiers)} that they share"
    if pair.evidence == ABOVE:
        return f"joined directly, {pair.weight_log2 - threshold_log2:.1f} bits above the threshold"
    return f"{_below(pair, threshold_log2)}, but {_others(chain)}"


def why_missed(pair: Decided, *, threshold_log2: float) -> str:
    """Why two records of one entity, which were compared, are in two clusters."""
    if pair.cut is not None:
        return f"cut: {CUT_WORDS[pair.cut]}"
    if pair.label == MUST_LINK:
        return "apart for now: a must-link joins them in the next run"
    if pair.evidence == DETERMINISTIC:
        rule = f"the deterministic rule {_listed(pair.rules)}".rstrip()
        return f"although {rule} joins them: a cannot-link or a limit does not let it"
    if pair.evidence == BELOW:
        return _below(pair, threshold_log2)
    return "above the threshold: the clusters are older than the scores, or a label"


def parts_for(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts that raise a pair's weight the most, the largest first."""
    found = sorted((it for it in parts if it.bits >= _LEAST_BITS), key=lambda it: (-it.bits, it.name))
    return tuple(found[:_TOLD])


def parts_against(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts that lower a pair's weight the most, then those that say nothing for want of a value."""
    every = tuple(parts)
    found = sorted((it for it in every if it.bits <= -_LEAST_BITS), key=lambda it: (it.bits, it.name))
    silent = [it for it in every if it.level == _MISSING and it not in found]
    return (*found, *silent)[:_TOLD]


def _below(pair: Decided, threshold_log2: float) -> str:
    return f"{threshold_log2 - pair.weight_log2:.1f} bits below the threshold"


def _others(chain: Sequence[Link]) -> str:
    if len(chain) < 2:
        return "other records join them"
    between = len(chain) - 1
    weakest = min(it.weight_log2 for it in chain)
    least = "each link certain" if math.isinf(weakest) else f"the weakest link {weakest:+.1f} bits"
    return f"joined through {between} other record{'s' if between > 1 else ''}, {least}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)
