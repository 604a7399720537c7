"""From records in Arrow memory to scored pairs: keys counted, blocks made, pairs compared, a model fitted and applied.

The functions here know no engine: `resolve` runs them for whole files in this process, the nightly job for the few
records that changed, and `resolution.scored` runs the same steps in Spark's tasks.

1. Records become features and keys (`prepare`).
2. Keys are counted and judged (`count_keys`); blocks are made of those that lead to pairs.
3. Pairs are compared inside their blocks to patterns of levels.
4. A model is fitted from how often each pattern occurs (`fit_model`), and weighs every pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.blocks import expand_blocks
from cdp_spark.resolution.blocking.key_use import count_keys
from cdp_spark.resolution.blocking.keys import make_keys
from cdp_spark.resolution.blocking.slots import Slot, all_rules, build_slots, deterministic_mask
from cdp_spark.resolution.features import make_features
from cdp_spark.resolution.kernel import Kernel, compare_blocks
from cdp_spark.resolution.learning.fitting import count_patterns, fit_parameters, layout_of
from cdp_spark.resolution.learning.sample import Sample, take_sample
from cdp_spark.resolution.learning.soundness import Doubt, find_doubts
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.patterns import unpack
from cdp_spark.resolution.scoring import certain_rules, score_blocks_in_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.blocking.key_use import KeyUse
    from cdp_spark.resolution.comparing.comparisons import Frequencies

FIT_PAIRS = 2_000_000
"""A model is fitted from about so many pairs (each rule's counted apart), though there may be many more."""


@dataclass(frozen=True)
class Keyed:
    """Records ready to be blocked, in the order of their keys.

    Args:
        record_key: sorted, shape (records,).
        features: one row a record.
        keys: shape (records, slots).
        slots: the layout of the keys.
    """

    record_key: pa.Array
    features: pa.Table
    keys: NDArray[np.int64]
    slots: tuple[Slot, ...]

    def sample(self, *, seed: int) -> Sample:
        """The records with the lowest hashes."""
        return Sample(take_sample(self.features.append_column(c.RECORD_KEY, self.record_key), seed=seed))


@dataclass(frozen=True)
class ComparedPairs:
    """Pairs that share a block, each once; positions in `Keyed`, left < right.

    Args:
        left: shape (pairs,).
        right: shape (pairs,).
        rule_mask: bit r is set where the pair shares a key of rule r, shape (pairs,).
        pattern: packed levels, shape (pairs,).
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    rule_mask: NDArray[np.int64]
    pattern: NDArray[np.int64]


@dataclass(frozen=True)
class LinkedPairs:
    """Scored pairs in memory, and what came to light on the way.

    Args:
        record_key: that the pairs' positions point into, sorted.
        pairs: compared.
        weight_log2: match weight in bits, shape (pairs,).
        deterministic: whether a rule joins the pair whatever its weight, shape (pairs,).
        model: the model that weighed them.
        metrics: figures by dotted name.
        doubts: about a model fitted from these pairs; none about a given one.
    """

    record_key: pa.Array
    pairs: ComparedPairs
    weight_log2: NDArray[np.float64]
    deterministic: NDArray[np.bool_]
    model: MatchModel
    metrics: dict[str, float]
    doubts: tuple[Doubt, ...]


def slots_of(match: EntityMatch) -> tuple[Slot, ...]:
    """Lay out the blocking keys of all rules."""
    return build_slots(all_rules(match), max_block_records=match.max_block_records)


def kernel_of(match: EntityMatch, frequencies: Frequencies) -> Kernel:
    """What a task needs to compare pairs of this configuration."""
    return Kernel(match.comparisons, frequencies, tuple(slot.rule for slot in slots_of(match)))


def prepare(records: pa.Table, match: EntityMatch, slots: tuple[Slot, ...]) -> Keyed:
    """Make the features and keys of records.

    Args:
        records: one row per record_key, cleaned.
        match: names what is compared and blocked on.
        slots: the layout of the keys.
    """
    records = records.sort_by(c.RECORD_KEY)
    features = make_features(records, match)
    return Keyed(
        records[c.RECORD_KEY].combine_chunks(),
        pa.table(features),
        make_keys(features, slots) if slots else _NO_KEYS,
        slots,
    )


_NO_KEYS = np.zeros((0, 0), dtype=np.int64)


def link(
    keyed: Keyed, match: EntityMatch, *, model: MatchModel | None = None, sample: Sample | None = None
) -> LinkedPairs:
    """Block, compare and weigh records in this process.

    Args:
        keyed: of the configuration's slots.
        match: blocking rules and comparisons; the model's own where one is given.
        model: apply this one; without it a model is fitted from the pairs.
        sample: of the records, where one was taken already, with all that the match compares.
    """
    frozen = None if model is None else np.array(model.purged_keys, dtype=np.int64)
    use = count_keys(keyed.keys, keyed.slots, frozen=frozen)
    if model is not None:
        return _weigh(keyed, use, _compare(keyed, use, kernel_of(match, model.frequencies)), model, {}, ())
    sample = sample or keyed.sample(seed=match.seed)
    kernel = kernel_of(match, sample.frequencies(match.comparisons))
    pairs = _compare(keyed, use, kernel)
    nth = max(1, int(use.pairs.sum()) // FIT_PAIRS)
    fitted_from = pairs if nth == 1 else _compare(keyed, use, kernel, nth=nth)
    counts = count_patterns(fitted_from.rule_mask, fitted_from.pattern)
    fitted = fit_model(counts, use, sample, match)
    figures = {"model.pairs": float(len(fitted_from.left))}
    return _weigh(keyed, use, pairs, fitted, figures, find_doubts(fitted, counts))


def fit_model(counts: pa.Table, use: KeyUse, sample: Sample, match: EntityMatch) -> MatchModel:
    """Fit a model from pattern counts.

    Args:
        counts: from `count_patterns`, or `with_known_classes`.
        use: its purged keys become the model's.
        sample: of the records.
        match: rules and comparisons.
    """
    rules = all_rules(match)
    layout = layout_of(rules, match.comparisons)
    parameters = fit_parameters(counts, sample, comparisons=match.comparisons, layout=layout, seed=match.seed)
    names, frequencies = tuple(rule.name for rule in rules), sample.frequencies(match.comparisons)
    return MatchModel(match, names, layout.forced, parameters, frequencies, tuple(use.purged.tolist()))


def score_changed(
    records: pa.Table, keys: NDArray[np.int64], use: KeyUse, model: MatchModel
) -> tuple[pa.Table, dict[str, float]]:
    """Compare and weigh records in memory by a model: the pairs with their keys, and figures by dotted name.

    Args:
        records: one row per record_key with the features; with the flag `is_fresh`, only pairs with at least one such
            record.
        keys: of the records, shape (records, slots).
        use: which keys are purged and shared.
        model: with its rules and comparisons.
    """
    match = model.match
    blocks = expand_blocks(records, keys, use, slots_of(match))
    mask, kernel = deterministic_mask(match), kernel_of(match, model.frequencies)
    return score_blocks_in_memory(blocks, kernel, model, deterministic_mask=mask), linkage_figures(use, model)


def linkage_figures(use: KeyUse, model: MatchModel) -> dict[str, float]:
    """Figures of keys, rules and model by dotted name."""
    parameters = model.parameters
    metrics = {
        "blocks.purged": float(len(use.purged)),
        "blocks.overgrown": float(use.overgrown),
        "model.iterations": float(parameters.iterations),
        "model.converged": float(parameters.converged),
    }
    for rule, (name, pairs) in enumerate(zip(model.rule_names, use.pairs, strict=True)):
        metrics[f"rule.{name}.pairs"] = float(pairs)
        metrics[f"rule.{name}.prior"] = float(parameters.prior[rule])
        metrics[f"rule.{name}.purged"] = float(use.purged_rules[rule])
        metrics[f"rule.{name}.split"] = float(use.split_rules[rule])
    return metrics


def _compare(keyed: Keyed, use: KeyUse, kernel: Kernel, *, nth: int = 1) -> ComparedPairs:
    """Compare all pairs, or those of every n-th key."""
    position = pa.array(np.arange(len(keyed.record_key)))
    records = keyed.features.append_column(c.RECORD_KEY, position)
    blocks = expand_blocks(records, keyed.keys, use, keyed.slots)
    if nth > 1:
        blocks = blocks.filter(pa.array(np.mod(blocks[c.BLOCK_KEY].to_numpy(), nth) == 0))
    found = list(compare_blocks(iter(blocks.combine_chunks().to_batches()), kernel))
    columns = ([batch.column(at).to_numpy() for batch in found] or [np.zeros(0, dtype=np.int64)] for at in range(4))
    return ComparedPairs(*map(np.concatenate, columns))


def _weigh(
    keyed: Keyed,
    use: KeyUse,
    pairs: ComparedPairs,
    model: MatchModel,
    figures: dict[str, float],
    doubts: tuple[Doubt, ...],
) -> LinkedPairs:
    return LinkedPairs(
        keyed.record_key,
        pairs,
        np.round(model.pattern_weights(pairs.rule_mask, pairs.pattern), 6),
        certain_rules(model.match, pairs.rule_mask, levels_of(pairs, len(model.match.comparisons))) != 0,
        model,
        {**linkage_figures(use, model), **figures},
        doubts,
    )


def levels_of(pairs: ComparedPairs, comparisons: int) -> NDArray[np.int64]:
    """Levels of each comparison, shape (pairs, comparisons)."""
    return unpack(pairs.pattern, comparisons)
