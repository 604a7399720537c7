"""What came of a pair, and why, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.clustering.identifiers.claims import LimitReason
from cdp_spark.clustering.labels import CANNOT_LINK, MUST_LINK
from cdp_spark.clustering.linkage.cuts import CutReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdp_spark.explain.pairs.facts import PairExplanation

CUT_WORDS: Mapping[str, str] = {
    CutReason.CANNOT_LINK: "a cannot-link keeps their clusters apart",
    CutReason.UNIQUE_VALUE: "their clusters hold two values of a column that is unique for each",
    CutReason.UNIQUE_SOURCE: "their clusters both hold a record of a source without duplicates",
    CutReason.LARGE_COMPONENT: "their component was too large and was cut at a higher weight",
    CutReason.AVERAGE_LINKAGE: "the mean weight between their clusters is not positive",
    LimitReason.MAX_PEOPLE: "more people were seen with the identifier than may share it",
    LimitReason.MAX_PER_PERSON: "the person was seen with more such identifiers than lead to one person",
    LimitReason.PRIORITY: "an identifier that goes first leads the visitor to somebody else",
}
"""Why an edge was not used, by the reason that `cuts` names."""


def verdict(pair: PairExplanation) -> str:
    """Say whether the last run put the pair together, and what decided it."""
    around = pair.surroundings
    if around.cluster_l is None or around.cluster_r is None:
        return "not clustered yet: the next run will"
    return f"Same {pair.left.entity_type}: {_together(pair)}" if around.together else f"apart: {_apart(pair)}"


def _together(pair: PairExplanation) -> str:
    if pair.label == MUST_LINK:
        return f"the must-link of {pair.labels[0].author} joins them"
    if pair.label == CANNOT_LINK:
        return "but the next run parts them, by the cannot-link"
    if pair.deterministic_rules or pair.shared_identifiers:
        return f"{_certain(pair)}, regardless of score"
    if not pair.scored:
        return "they were never compared, other records join them"
    if pair.weight_log2 < pair.threshold_log2:
        return f"the pair is {_below(pair)}, other records join them"
    return f"the pair weighs {pair.weight_log2:+.1f} bits, threshold {pair.threshold_log2:+.1f}"


def _apart(pair: PairExplanation) -> str:
    cut = pair.surroundings.cut_reason
    if pair.label == CANNOT_LINK:
        return f"the cannot-link of {pair.labels[0].author}"
    if pair.label == MUST_LINK and cut is None:
        return "but the next run joins them, by the must-link"
    if cut is not None:
        return CUT_WORDS[cut]
    if pair.deterministic_rules or pair.shared_identifiers:
        return f"although {_certain(pair)}: a limit or a label keeps their clusters apart"
    return _apart_by_weight(pair)


def _certain(pair: PairExplanation) -> str:
    """What joins a pair without being weighed."""
    if pair.deterministic_rules:
        return f"joined by rule {pair.deterministic_rules[0]}"
    return f"joined by a shared {pair.shared_identifiers[0]}"


def _apart_by_weight(pair: PairExplanation) -> str:
    if not pair.scored:
        return f"never compared, {not_compared_words(pair.rules, pair.purged_rules)}"
    if pair.weight_log2 < pair.threshold_log2:
        return f"the pair is {_below(pair)}"
    return "although the pair is above the threshold: scores are newer than clusters, the next run decides"


def _below(pair: PairExplanation) -> str:
    return f"below the threshold ({pair.weight_log2:+.1f} of {pair.threshold_log2:+.1f} bits)"


def not_compared_words(rules: Sequence[str], purged_rules: Sequence[str]) -> str:
    """Why no run compared a pair.

    Args:
        rules: whose key they share by now.
        purged_rules: whose key they share with too many records.
    """
    if rules:
        return f"although they share a key of {', '.join(rules)} now: it is new, or its block was too large"
    if purged_rules:
        return f"the key of {', '.join(purged_rules)} that they share is shared by too many records"
    return "no blocking rule finds them"
