"""Records in, scored pairs and the model that weighed them out, in Spark: the steps of `linkage` at any size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.slots import deterministic_mask
from cdp_spark.resolution.frames import (
    build_blocks,
    build_keyed,
    build_pair_patterns,
    build_pair_scores,
    find_key_use,
    read_labelled_counts,
    read_pattern_counts,
    read_sample,
)
from cdp_spark.resolution.learning.fitting import with_known_classes
from cdp_spark.resolution.learning.sample import Sample
from cdp_spark.resolution.learning.soundness import Doubt, find_doubts
from cdp_spark.resolution.linkage import FIT_PAIRS, fit_model, kernel_of, linkage_figures, slots_of
from cdp_spark.session import shuffle_partitions
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.blocking.key_use import KeyUse
    from cdp_spark.resolution.learning.sample import Sample
    from cdp_spark.resolution.model import MatchModel


@dataclass(frozen=True)
class ScoredPairs:
    """Scored pairs and what came to light on the way.

    Args:
        pair_scores: one row per pair: record_key_l, record_key_r, rule_mask, levels, weight_log2, deterministic; not
            computed before it is read, and anew each time.
        model: the model that weighed them, new or given.
        metrics: figures by dotted name.
        keyed: the records that were blocked, with their block_keys.
        doubts: about a model fitted from these pairs; none about a given one.
    """

    pair_scores: DataFrame
    model: MatchModel
    metrics: dict[str, float]
    keyed: DataFrame
    doubts: tuple[Doubt, ...]


def score_pairs(
    records: DataFrame,
    match: EntityMatch,
    *,
    model: MatchModel | None = None,
    labels: DataFrame | None = None,
    sample: Sample | None = None,
) -> ScoredPairs:
    """Block, compare and weigh the records of one entity type.

    Args:
        records: one row per record_key, cleaned; its `input_hash`, if it has one, stays in what is `keyed`.
        match: blocking rules and comparisons; ignored where a model is given, which bears its own.
        model: apply this one; without it a model is fitted from the records.
        labels: record_key_l, record_key_r, is_match: pairs whose class is known to the fit.
        sample: of these records, where one was read already, with all that the match compares.
    """
    match = model.match if model else match
    keyed = checkpoint(keyed_records(records, match))
    if model is not None:
        frozen = np.array(model.purged_keys, dtype=np.int64)
        return score_blocks(keyed, find_key_use(keyed, slots_of(match), frozen=frozen), model)
    return _fit_and_score(keyed, match, labels, sample)


def keyed_records(records: DataFrame, match: EntityMatch) -> DataFrame:
    """One row per record_key: features, `block_keys`, and of `input_hash` and `is_fresh` what the records have."""
    carried = tuple(name for name in (c.INPUT_HASH, c.IS_FRESH) if name in records.columns)
    return build_keyed(records, match, slots_of(match), carried=carried)


def score_blocks(keyed: DataFrame, use: KeyUse, model: MatchModel) -> ScoredPairs:
    """Compare the records inside their blocks and weigh the pairs by a model.

    Args:
        keyed: one row per record_key with `block_keys` and features; kept by the caller. With the flag `is_fresh`, only
            pairs with at least one such record.
        use: which keys are purged and shared.
        model: with its rules and comparisons.
    """
    match, partitions = model.match, shuffle_partitions(keyed.sparkSession)
    blocks, kernel = _blocks(keyed, use, match), kernel_of(match, model.frequencies)
    mask = deterministic_mask(match)
    scores = build_pair_scores(blocks, kernel, model, deterministic_mask=mask, partitions=partitions)
    return ScoredPairs(scores, model, linkage_figures(use, model), keyed, ())


def _fit_and_score(
    keyed: DataFrame, match: EntityMatch, labels: DataFrame | None, sample: Sample | None
) -> ScoredPairs:
    keyed.count()  # so that both of the following read what is held
    actions: dict[str, Callable[[], KeyUse | Sample]] = {"use": partial(find_key_use, keyed, slots_of(match))}
    if sample is None:
        actions["sample"] = partial(read_sample, keyed.drop(c.INPUT_HASH), seed=match.seed)
    found = run_together(keyed.sparkSession, actions)
    use, sample = cast("KeyUse", found["use"]), cast("Sample", found.get("sample", sample))
    model, counts = _fit(keyed, use, sample, match, labels)
    scored = score_blocks(keyed, use, model)
    fitted_from = float(np.sum(counts[c.RECORD_COUNT].to_numpy()))
    return replace(scored, doubts=find_doubts(model, counts), metrics={**scored.metrics, "model.pairs": fitted_from})


def _fit(
    keyed: DataFrame, use: KeyUse, sample: Sample, match: EntityMatch, labels: DataFrame | None
) -> tuple[MatchModel, pa.Table]:
    """Fit a model from all pairs, or from those of every n-th key where there are very many and none is labelled."""
    frequencies = sample.frequencies(match.comparisons)
    nth = max(1, int(use.pairs.sum()) // FIT_PAIRS) if labels is None else 1
    blocks = _blocks(keyed, use, match).where(F.pmod(F.col(c.BLOCK_KEY), F.lit(nth)) == 0)
    patterns = build_pair_patterns(
        blocks, kernel_of(match, frequencies), partitions=shuffle_partitions(keyed.sparkSession)
    )
    counts = read_pattern_counts(patterns)
    if labels is not None:
        counts = with_known_classes(counts, read_labelled_counts(patterns, labels))
    return fit_model(counts, use, sample, match), counts


def _blocks(keyed: DataFrame, use: KeyUse, match: EntityMatch) -> DataFrame:
    return build_blocks(keyed.drop(c.INPUT_HASH), use, slots_of(match))
