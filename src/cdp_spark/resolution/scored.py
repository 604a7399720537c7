"""Records in, scored pairs and the model that weighed them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cdp_spark import columns as c
from cdp_spark.blocking.blocks import KeyUse, build_blocks, build_key_sizes, read_key_use
from cdp_spark.blocking.keys import with_block_keys
from cdp_spark.blocking.slots import Slot, all_rules, build_slots, deterministic_mask
from cdp_spark.matching.features import build_features
from cdp_spark.matching.kernel import Kernel, build_pair_patterns
from cdp_spark.matching.learning.fitting import (
    fit_parameters,
    forced_comparisons,
    read_pattern_counts,
    read_sample,
)
from cdp_spark.matching.learning.soundness import Doubt, find_doubts
from cdp_spark.matching.model import MatchModel
from cdp_spark.matching.scoring import build_pair_scores

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.matching.comparing.comparisons import Frequencies


@dataclass(frozen=True)
class ScoredPairs:
    """Scored pairs and what came to light on the way.

    Args:
        pair_scores: one row per pair: record_key_l, record_key_r, rule_mask, levels, weight_log2, deterministic.
        model: the model that weighed them, new or given.
        metrics: figures by dotted name.
        keyed: the records that were blocked, with their block_keys.
        doubts: about a model fitted from these pairs; none about a given one.
        held: frames kept in memory or on disk; `release` them when the scores are written.
    """

    pair_scores: DataFrame
    model: MatchModel
    metrics: dict[str, float]
    keyed: DataFrame
    doubts: tuple[Doubt, ...]
    held: tuple[DataFrame, ...]

    def release(self) -> None:
        """Free what was held."""
        for frame in self.held:
            frame.unpersist()


def score_pairs(records: DataFrame, match: EntityMatch, *, model: MatchModel | None = None) -> ScoredPairs:
    """Block, compare and weigh the records of one entity type.

    Args:
        records: one row per record_key, cleaned; its `input_hash`, if it has one, stays in what is `keyed`.
        match: blocking rules and comparisons; ignored where a model is given, which bears its own.
        model: apply this one; without it a model is fitted from the records.
    """
    match = model.match if model else match
    keyed = build_keyed(records, match).persist()
    if model is not None:
        frozen = np.array(model.purged_keys, dtype=np.int64)
        return score_blocks(keyed, read_key_use(build_key_sizes(keyed), slots_of(match), frozen=frozen), model)
    return _fit_and_score(keyed, match)


def build_keyed(records: DataFrame, match: EntityMatch) -> DataFrame:
    """One row per record_key: features, `block_keys`, and of `input_hash` and `is_fresh` what the records have."""
    carried = tuple(name for name in (c.INPUT_HASH, c.IS_FRESH) if name in records.columns)
    return with_block_keys(build_features(records, match, carried=carried), slots_of(match))


def slots_of(match: EntityMatch) -> tuple[Slot, ...]:
    """The layout of the blocking keys of all rules."""
    return build_slots(all_rules(match), max_block_records=match.max_block_records)


def score_blocks(keyed: DataFrame, use: KeyUse, model: MatchModel) -> ScoredPairs:
    """Compare the records inside their blocks and weigh the pairs by a model.

    Args:
        keyed: one row per record_key with `block_keys` and features; kept by the caller. With the flag `is_fresh`, only
            pairs with at least one such record.
        use: which keys are purged and shared.
        model: with its rules and comparisons.
    """
    patterns = _patterns(keyed, use, model.match, model.frequencies)
    counts = read_pattern_counts(patterns)
    scores = build_pair_scores(patterns, counts, model, deterministic_mask=deterministic_mask(model.match))
    return ScoredPairs(scores, model, _metrics(counts, use, model), keyed, (), (keyed, patterns))


def _fit_and_score(keyed: DataFrame, match: EntityMatch) -> ScoredPairs:
    use = read_key_use(build_key_sizes(keyed), slots_of(match))
    sample = read_sample(keyed.drop(c.INPUT_HASH), seed=match.seed)
    frequencies = sample.frequencies(match.comparisons)
    patterns = _patterns(keyed, use, match, frequencies)
    counts = read_pattern_counts(patterns)
    rules = all_rules(match)
    forced = forced_comparisons(rules, match.comparisons)
    parameters = fit_parameters(
        counts, sample, comparisons=match.comparisons, forced=forced, frequencies=frequencies, seed=match.seed
    )
    names = tuple(rule.name for rule in rules)
    model = MatchModel(match, names, forced, parameters, frequencies, tuple(use.purged.tolist()))
    scores = build_pair_scores(patterns, counts, model, deterministic_mask=deterministic_mask(match))
    doubts = find_doubts(model, counts)
    return ScoredPairs(scores, model, _metrics(counts, use, model), keyed, doubts, (keyed, patterns))


def _patterns(keyed: DataFrame, use: KeyUse, match: EntityMatch, frequencies: Frequencies) -> DataFrame:
    slots = slots_of(match)
    kernel = Kernel(match.comparisons, frequencies, tuple(slot.rule for slot in slots))
    blocks = build_blocks(keyed.drop(c.INPUT_HASH), use, slots)
    return build_pair_patterns(blocks, kernel, partitions=_partitions(keyed)).persist()


def _partitions(records: DataFrame) -> int:
    configured = int(records.sparkSession.conf.get("spark.sql.shuffle.partitions", "200") or 200)
    return max(configured, 1)


def _metrics(counts: pa.Table, use: KeyUse, model: MatchModel) -> dict[str, float]:
    parameters = model.parameters
    metrics = {
        "pairs.compared": float(np.sum(counts[c.RECORD_COUNT].to_numpy())),
        "pairs.patterns": float(counts.num_rows),
        "blocks.purged": float(len(use.purged)),
        "blocks.overgrown": float(use.overgrown),
        "model.iterations": float(parameters.iterations),
        "model.converged": float(parameters.converged),
    }
    for rule, (name, pairs) in enumerate(zip(model.rule_names, use.pairs, strict=True)):
        metrics[f"rule.{name}.pairs"] = float(pairs)
        metrics[f"rule.{name}.prior"] = float(parameters.prior[rule])
        metrics[f"rule.{name}.purged"] = float(use.purged_rules[rule])
    return metrics
