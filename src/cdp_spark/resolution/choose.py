"""Choose blocking rules: those that add the most matches for the pairs they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, block_spans
from cdp_spark.resolution.blocking.keys import make_keys
from cdp_spark.resolution.blocking.slots import build_slots
from cdp_spark.resolution.comparing.comparisons import compile_comparisons
from cdp_spark.resolution.features import feature_columns
from cdp_spark.resolution.kernel import compare_pairs
from cdp_spark.resolution.learning.fitting import count_patterns, fit_parameters, layout_of
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.pairs import Pairs, all_pairs
from cdp_spark.resolution.patterns import pack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import BlockingRule, EntityMatch
    from cdp_spark.resolution.blocking.slots import Slot
    from cdp_spark.resolution.learning.sample import Sample

MAX_PAIRS_PER_RECORD = 30.0
"""What all chosen rules may cost together, estimated for the whole data."""
MIN_MATCHES_PER_PAIR = 0.01
"""A rule is worth its pairs when one in a hundred of those it adds is a match."""
MIN_GAIN = 0.0005
"""Share of all probable matches that a rule must add."""
_RULE_BITS = 6
"""Bits of a rule's number beside a pair's: at most 60 rules, and the pair of two of 50,000 rows takes 32 bits."""
_MERGED_PAIRS = 20_000_000
"""Pairs that wait to be merged, 8 bytes each."""


@dataclass(frozen=True)
class RuleEstimate:
    """What a chosen rule is expected to do.

    Args:
        rule: the rule.
        pairs: pairs it finds in the whole data, estimated.
        added_pairs: those that no rule before it finds.
        recall: share of all probable matches that it and the rules before it find.
    """

    rule: BlockingRule
    pairs: float
    added_pairs: float
    recall: float


def choose_rules(sample: Sample, match: EntityMatch, *, record_count: int) -> tuple[RuleEstimate, ...]:
    """Choose among `match.blocking` on a sample of records, the best first; none where no rule finds a pair.

    The candidates' pairs are compared and weighed as a whole run would; what weighs like a match counts as one.

    Args:
        sample: of the records, with all that the rules and comparisons read.
        match: candidate rules (at most 60) and comparisons.
        record_count: of the whole data.
    """
    share = sample.features.num_rows / max(record_count, 1)
    slots = build_slots(match.blocking, max_block_records=match.max_block_records)
    features = {name: sample.features[name] for name in feature_columns(match)}
    keys = make_keys(features, slots)
    affordable = _affordable(keys, slots, share)
    pairs = _pairs(affordable, slots)
    if not len(pairs.left):
        return ()
    found = _matches_by_mask(sample, pairs, match)
    budget = MAX_PAIRS_PER_RECORD * len(keys) * share
    return _greedy(found, match.blocking, share=share, budget=budget)


@dataclass(frozen=True)
class _Found:
    """The pairs that each set of rules finds.

    Args:
        rule_mask: the sets, shape (masks,).
        pairs: that just these rules find, shape (masks,).
        matches: probable ones among them, shape (masks,).
    """

    rule_mask: NDArray[np.int64]
    pairs: NDArray[np.float64]
    matches: NDArray[np.float64]


def _affordable(keys: NDArray[np.int64], slots: tuple[Slot, ...], share: float) -> NDArray[np.int64]:
    """Keys without those of blocks too large, and without the rules that would cost too many pairs."""
    kept = keys.copy()
    rules = np.array([slot.rule for slot in slots])
    for rule in np.unique(rules):
        of_rule = np.flatnonzero(rules == rule)
        limit = max(slots[of_rule[0]].limit * share, 2.0)
        values = kept[:, of_rule]
        _, inverse, sizes = np.unique(values, return_inverse=True, return_counts=True)
        own = sizes[inverse].reshape(values.shape)
        values = np.where(own > limit, NO_KEY, values)
        left = values != NO_KEY
        pairs_per_record = float((own[left] - 1).sum()) / 2 / share / max(len(keys), 1)
        kept[:, of_rule] = NO_KEY if pairs_per_record > MAX_PAIRS_PER_RECORD else values
    return kept


def _pairs(affordable: NDArray[np.int64], slots: tuple[Slot, ...]) -> Pairs:
    """All pairs of sample rows that share an affordable key, each once, with the rules that find it."""
    rules = np.array([slot.rule for slot in slots])
    found = np.zeros(0, dtype=np.int64)
    waiting: list[NDArray[np.int64]] = []
    for rule in np.unique(rules):
        waiting.append(_pairs_of_rule(affordable[:, rules == rule], int(rule)))
        if sum(map(len, waiting)) > _MERGED_PAIRS:
            found, waiting = _merged([found, *waiting]), []
    found = _merged([found, *waiting])
    code = found >> _RULE_BITS
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    bits = np.left_shift(np.int64(1), found & ((1 << _RULE_BITS) - 1))
    mask = np.bitwise_or.reduceat(bits, starts) if len(starts) else bits
    left, right = np.divmod(code[starts], max(len(affordable), 1))
    return Pairs(left, right, mask)


def _pairs_of_rule(keys: NDArray[np.int64], rule: int) -> NDArray[np.int64]:
    """Pairs of rows that share a key, as numbers that sort by pair and then by rule."""
    rows, places = np.nonzero(keys)
    block_keys = keys[rows, places]
    order = np.argsort(block_keys, kind="stable")
    rows = rows[order]
    left, right = all_pairs(*block_spans(block_keys[order]))
    one, other = rows[left], rows[right]
    code = np.minimum(one, other) * len(keys) + np.maximum(one, other)
    return np.asarray((code[one != other] << _RULE_BITS) | rule)


def _merged(several: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    ordered = np.sort(np.concatenate(several))
    return ordered[np.flatnonzero(np.diff(ordered, prepend=-1))]


def _matches_by_mask(sample: Sample, pairs: Pairs, match: EntityMatch) -> _Found:
    """Compare and weigh the pairs, and sum up their probabilities of being matches."""
    frequencies = sample.frequencies(match.comparisons)
    compiled = compile_comparisons(match.comparisons)
    levels = compare_pairs(sample.features, pairs.left, pairs.right, compiled, frequencies)
    counts = count_patterns(pairs.rule_mask, pack(levels))
    layout = layout_of(match.blocking, match.comparisons)
    parameters = fit_parameters(counts, sample, comparisons=match.comparisons, layout=layout, seed=match.seed)
    names = tuple(rule.name for rule in match.blocking)
    model = MatchModel(match, names, layout.forced, parameters, frequencies, ())
    mask, pattern, count = (counts[name].to_numpy() for name in (c.RULE_MASK, c.PATTERN, c.RECORD_COUNT))
    probability = 1.0 / (1.0 + np.exp2(-model.pattern_weights(mask, pattern)))
    masks, place = np.unique(mask, return_inverse=True)
    sums = [np.bincount(place, of).astype(np.float64) for of in (count, count * probability)]
    return _Found(masks, *sums)


def _greedy(found: _Found, rules: tuple[BlockingRule, ...], *, share: float, budget: float) -> tuple[RuleEstimate, ...]:
    """Take the rule with the most new matches a new pair, until none is worth its pairs."""
    finds = ((found.rule_mask[:, np.newaxis] >> np.arange(len(rules))) & 1).astype(np.float64)
    total = float(found.matches.sum())
    still_open = np.ones(len(found.rule_mask))
    chosen: list[RuleEstimate] = []
    spent = covered = 0.0
    while True:
        matches = (found.matches * still_open) @ finds
        cost = (found.pairs * still_open) @ finds
        worth = (matches >= MIN_GAIN * total) & (matches >= MIN_MATCHES_PER_PAIR * cost) & (spent + cost <= budget)
        if not worth.any():
            return tuple(chosen)
        best = int(np.argmax(np.where(worth, _value(matches, cost), -1.0)))
        spent, covered = spent + cost[best], covered + matches[best]
        chosen.append(
            RuleEstimate(
                rules[best],
                pairs=float(found.pairs @ finds[:, best]) / share**2,
                added_pairs=float(cost[best]) / share**2,
                recall=covered / total,
            )
        )
        still_open *= 1 - finds[:, best]


def _value(matches: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matches added, less a twentieth of a match for each pair compared."""
    return np.asarray(np.maximum(matches - 0.05 * cost, matches / np.maximum(cost, 1) * 1e-3))
