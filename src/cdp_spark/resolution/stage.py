"""The matching stage: records in, scored pairs out, under the pinned model of each entity type."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.matching.learning.soundness import refuse_unsound
from cdp_spark.resolution.models import FittedBy, pinned_model, write_model
from cdp_spark.resolution.scored import ScoredPairs, score_pairs
from cdp_spark.tables.catalog import PAIR_SCORES, RECORDS
from cdp_spark.tables.run import RunContext, StageResult


def run(context: RunContext) -> StageResult:
    """Score the pairs of every entity type; where a type has no model yet, fit and save its first.

    A model is saved only where it was fitted from pairs, so that the first night without any does not pin an empty one.
    """
    store = context.store
    records = store.read(RECORDS)
    scored = []
    for entity_type, match in context.project.match.entities.items():
        version, model = pinned_model(store, entity_type, match)
        pairs = score_pairs(records.where(F.col(c.ENTITY_TYPE) == entity_type), match, model=model)
        refuse_unsound(pairs.doubts, where=f"the match model of {entity_type}")
        if model is None and pairs.metrics["pairs.compared"]:
            write_model(store, entity_type, pairs.model, version=version, by=FittedBy(context.run_id, context.as_of))
        scored.append((entity_type, version, pairs))
    versions = {PAIR_SCORES.name: store.overwrite(PAIR_SCORES, _united(scored))}
    metrics = {f"{kind}.{name}": value for kind, _, pairs in scored for name, value in pairs.metrics.items()}
    for _, _, pairs in scored:
        pairs.release()
    return StageResult(versions, metrics, "; ".join(_detail(*each) for each in scored))


def _detail(entity_type: str, version: int, pairs: ScoredPairs) -> str:
    """Which model was applied, and what to doubt about a new one."""
    return "; ".join([f"{entity_type}: model {version}", *(f"doubt: {doubt.problem}" for doubt in pairs.doubts)])


def _united(scored: list[tuple[str, int, ScoredPairs]]) -> DataFrame:
    frames = [
        pairs.pair_scores.withColumns({c.ENTITY_TYPE: F.lit(kind), c.MODEL_VERSION: F.lit(version)})
        for kind, version, pairs in scored
    ]
    return reduce(DataFrame.unionByName, frames)
