"""Choose blocking rules: those that add the most matches for the pairs they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark.blocking.keys import with_block_keys
from cdp_spark.blocking.slots import build_slots
from cdp_spark.keys import NO_KEY, block_spans, keys_of_lists
from cdp_spark.matching.comparing.comparisons import compile_comparisons
from cdp_spark.matching.features import build_features
from cdp_spark.matching.kernel import compare_pairs
from cdp_spark.matching.learning.fitting import count_patterns, fit_parameters, layout_of
from cdp_spark.matching.learning.sample import Sample, sampled
from cdp_spark.matching.model import MatchModel
from cdp_spark.matching.pairs import Pairs, build_pairs
from cdp_spark.matching.patterns import pack

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from cdp_spark.blocking.slots import Slot
    from cdp_spark.config.match import BlockingRule, EntityMatch

MAX_PAIRS_PER_RECORD = 30.0
"""What all chosen rules may cost together, estimated for the whole data."""
MIN_MATCHES_PER_PAIR = 0.01
"""A rule is worth its pairs when one in a hundred of those it adds is a match."""
MIN_GAIN = 0.0005
"""Share of all probable matches that a rule must add."""


@dataclass(frozen=True)
class RuleEstimate:
    """What a chosen rule is expected to do.

    Args:
        rule: the rule.
        pairs: pairs it finds in the whole data, estimated.
        added_pairs: those that no rule before it finds.
        added_matches: probable matches among the added pairs, in the sample.
        recall: share of all probable matches that it and the rules before it find.
    """

    rule: BlockingRule
    pairs: float
    added_pairs: float
    added_matches: float
    recall: float


@dataclass(frozen=True)
class Choice:
    """Blocking rules and what they were chosen on.

    Args:
        rules: the best first; none where no rule finds a pair.
        sample: of the records, with all that the comparisons read; a model can be fitted with it.
    """

    rules: tuple[RuleEstimate, ...]
    sample: Sample


def choose_rules(records: DataFrame, match: EntityMatch, *, record_count: int) -> Choice:
    """Choose among `match.blocking` on a sample of records, the best first.

    The candidates' pairs are compared and weighed as a whole run would; what weighs like a match counts as one.

    Args:
        records: one row per record_key, cleaned.
        match: candidate rules (at most 60) and comparisons.
        record_count: of the whole data.
    """
    slots = build_slots(match.blocking, max_block_records=match.max_block_records)
    # keys of dozens of rules are dear: only the sample's are made
    keyed = with_block_keys(sampled(build_features(records, match), seed=match.seed), slots)
    sample = Sample(keyed.toArrow())
    return Choice(choose_from(sample, match, record_count=record_count), sample)


def choose_from(sample: Sample, match: EntityMatch, *, record_count: int) -> tuple[RuleEstimate, ...]:
    """The rules that `choose_rules` chooses, from a sample.

    Args:
        sample: with `block_keys`.
        match: as in `choose_rules`.
        record_count: of the whole data.
    """
    share = sample.features.num_rows / max(record_count, 1)
    slots = build_slots(match.blocking, max_block_records=match.max_block_records)
    keys = keys_of_lists(sample.features[c.BLOCK_KEYS], len(slots))
    affordable = _affordable(keys, slots, share)
    pairs = _pairs(affordable, slots)
    if not len(pairs.left):
        return ()
    probability = _match_probability(sample, pairs, match)
    budget = MAX_PAIRS_PER_RECORD * len(keys) * share
    return _greedy(pairs, probability, match.blocking, share=share, budget=budget)


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
    """All pairs of sample rows that share an affordable key."""
    rows, places = np.nonzero(affordable)
    block_keys = affordable[rows, places]
    order = np.argsort(block_keys, kind="stable")
    rows, block_keys = rows[order], block_keys[order]
    _, sizes = block_spans(block_keys)
    shared = np.repeat(sizes > 1, sizes)
    rows, block_keys = rows[shared], block_keys[shared]
    pairs = build_pairs(block_keys, affordable[rows], np.array([slot.rule for slot in slots]))
    return Pairs(rows[pairs.left], rows[pairs.right], pairs.rule_mask)


def _match_probability(sample: Sample, pairs: Pairs, match: EntityMatch) -> NDArray[np.float64]:
    frequencies = sample.frequencies(match.comparisons)
    compiled = compile_comparisons(match.comparisons)
    levels = compare_pairs(sample.features, pairs.left, pairs.right, compiled, frequencies)
    layout = layout_of(match.blocking, match.comparisons)
    parameters = fit_parameters(
        count_patterns(pairs.rule_mask, pack(levels)),
        sample,
        comparisons=match.comparisons,
        layout=layout,
        seed=match.seed,
    )
    names = tuple(rule.name for rule in match.blocking)
    model = MatchModel(match, names, layout.forced, parameters, frequencies, ())
    return np.asarray(1.0 / (1.0 + np.exp2(-model.weights(pairs.rule_mask, levels))))


def _greedy(
    pairs: Pairs, probability: NDArray[np.float64], rules: tuple[BlockingRule, ...], *, share: float, budget: float
) -> tuple[RuleEstimate, ...]:
    """Take the rule with the most new matches a new pair, until none is worth its pairs."""
    found = ((pairs.rule_mask[:, np.newaxis] >> np.arange(len(rules))) & 1).astype(bool)
    total = float(probability.sum())
    open_pairs = np.ones(len(probability), dtype=bool)
    chosen: list[RuleEstimate] = []
    spent = covered = 0.0
    while True:
        matches = probability[open_pairs] @ found[open_pairs]
        cost = found[open_pairs].sum(axis=0)
        worth = (matches >= MIN_GAIN * total) & (matches >= MIN_MATCHES_PER_PAIR * cost) & (spent + cost <= budget)
        if not worth.any():
            return tuple(chosen)
        best = int(np.argmax(np.where(worth, _value(matches, cost), -1.0)))
        spent, covered = spent + cost[best], covered + matches[best]
        chosen.append(
            RuleEstimate(
                rules[best],
                pairs=float(found[:, best].sum()) / share**2,
                added_pairs=float(cost[best]) / share**2,
                added_matches=float(matches[best]),
                recall=covered / total,
            )
        )
        open_pairs &= ~found[:, best]


def _value(matches: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Matches added, less a twentieth of a match for each pair compared."""
    return np.asarray(np.maximum(matches - 0.05 * cost, matches / np.maximum(cost, 1) * 1e-3))
