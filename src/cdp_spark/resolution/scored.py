"""Records in, scored pairs and the model that weighed them out."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    read_labelled_counts,
    read_pattern_counts,
    read_sample,
    with_known_classes,
)
from cdp_spark.matching.learning.soundness import Doubt, find_doubts
from cdp_spark.matching.model import MatchModel
from cdp_spark.matching.scoring import build_pair_scores

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import EntityMatch


@dataclass(frozen=True)
class ScoredPairs:
    """Scored pairs and what came to light on the way.

    Args:
        pair_scores: one row per pair: record_key_l, record_key_r, rule_mask, levels, weight_log2, deterministic.
        model: the model that weighed them, new or given.
        metrics: figures by dotted name.
        doubts: about a model fitted from these pairs; none about a given one.
        held: frames kept in memory or on disk; `release` them when the scores are written.
    """

    pair_scores: DataFrame
    model: MatchModel
    metrics: dict[str, float]
    doubts: tuple[Doubt, ...]
    held: tuple[DataFrame, ...]

    def release(self) -> None:
        """Free what was held."""
        for frame in self.held:
            frame.unpersist()


def score_pairs(
    records: DataFrame, match: EntityMatch, *, model: MatchModel | None = None, labels: DataFrame | None = None
) -> ScoredPairs:
    """Block, compare and weigh the records of one entity type.

    Args:
        records: one row per record_key, cleaned.
        match: blocking rules and comparisons; ignored where a model is given, which bears its own.
        model: apply this one; without it a model is fitted from the records.
        labels: record_key_l, record_key_r, is_match: pairs whose class is known to the fit.
    """
    match = model.match if model else match
    rules = all_rules(match)
    slots = build_slots(rules, max_block_records=match.max_block_records)
    keyed = with_block_keys(build_features(records, match), slots).persist()
    use = _key_use(keyed, slots, model)
    sample = read_sample(keyed, seed=match.seed)
    frequencies = model.frequencies if model else sample.frequencies(match.comparisons)
    kernel = Kernel(match.comparisons, frequencies, tuple(slot.rule for slot in slots))
    partitions = _partitions(records)
    patterns = build_pair_patterns(build_blocks(keyed, use, slots), kernel, partitions=partitions).persist()
    counts = read_pattern_counts(patterns)
    doubts: tuple[Doubt, ...] = ()
    if model is None:
        forced = forced_comparisons(rules, match.comparisons)
        known = counts if labels is None else with_known_classes(counts, read_labelled_counts(patterns, labels))
        parameters = fit_parameters(
            known, sample, comparisons=match.comparisons, forced=forced, frequencies=frequencies, seed=match.seed
        )
        names = tuple(rule.name for rule in rules)
        model = MatchModel(match, names, forced, parameters, frequencies, tuple(use.purged.tolist()))
        doubts = find_doubts(model, counts)
    scores = build_pair_scores(patterns, counts, model, deterministic_mask=deterministic_mask(match))
    return ScoredPairs(scores, model, _metrics(counts, use, model), doubts, (keyed, patterns))


def _key_use(keyed: DataFrame, slots: tuple[Slot, ...], model: MatchModel | None) -> KeyUse:
    """Keys of these records; under a given model, what it purged stays purged and nothing else is."""
    use = read_key_use(build_key_sizes(keyed), slots)
    if model is None:
        return use
    purged = np.union1d(use.purged, np.array(model.purged_keys, dtype=np.int64))
    return replace(use, purged=purged)


def _partitions(records: DataFrame) -> int:
    configured = int(records.sparkSession.conf.get("spark.sql.shuffle.partitions", "200") or 200)
    return max(configured, 1)


def _metrics(counts: pa.Table, use: KeyUse, model: MatchModel) -> dict[str, float]:
    parameters = model.parameters
    metrics = {
        "pairs.compared": float(np.sum(counts[c.RECORD_COUNT].to_numpy())),
        "pairs.patterns": float(counts.num_rows),
        "blocks.purged": float(len(use.purged)),
        "model.iterations": float(parameters.iterations),
        "model.converged": float(parameters.converged),
    }
    for rule, (name, pairs) in enumerate(zip(model.rule_names, use.pairs, strict=True)):
        metrics[f"rule.{name}.pairs"] = float(pairs)
        metrics[f"rule.{name}.prior"] = float(parameters.prior[rule])
        metrics[f"rule.{name}.purged"] = float(use.purged_rules[rule])
    return metrics
