"""The matching stage: records in, scored pairs out, under the pinned model of each entity type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.matching.learning.soundness import refuse_unsound
from cdp_spark.resolution.increment.changed import score_changes
from cdp_spark.resolution.increment.inputs import with_input_hash
from cdp_spark.resolution.increment.night import Night, plan_night
from cdp_spark.resolution.increment.write import write_inputs, write_pairs
from cdp_spark.resolution.models import FittedBy, pinned_model, write_model
from cdp_spark.resolution.scored import ScoredPairs, score_pairs
from cdp_spark.tables.catalog import MATCH_INPUTS, MATCH_MODELS, PAIR_SCORES, RECORDS, TOUCHED_RECORDS
from cdp_spark.tables.run import RunContext, StageResult
from cdp_spark.tables.together import run_together
from cdp_spark.tables.touched import MATCHING, record_touched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.tables.held import Held


@dataclass(frozen=True)
class Scored:
    """Tonight's pairs of an entity type.

    Args:
        entity_type: of the records.
        match: its settings of tonight.
        version: of the model.
        night: full or incremental.
        pairs: scored tonight; in an incremental night those of the changed records.
        inputs: record_key, input_hash, block_keys of the records that were compared anew.
        fitted: whether the model is new and to be saved.
        stale: record_key of those whose rows of the last night leave; None in a full night, where all do.
        held: to be released when the tables are written.
    """

    entity_type: str
    match: EntityMatch
    version: int
    night: Night
    pairs: ScoredPairs
    inputs: DataFrame
    fitted: bool = False
    stale: DataFrame | None = None
    held: tuple[Held, ...] = ()

    def release(self) -> None:
        """Free what was held."""
        self.pairs.release()
        for frame in reversed(self.held):
            frame.release()
        self.night.release()


def run(context: RunContext) -> StageResult:
    """Score the pairs of every entity type; where a type has no model yet, fit and save its first.

    Where few records changed since the last night, only their pairs are compared; the tables are those of a full night.
    They are written from the versions that the last finished night recorded, so what a killed one left does not matter.
    A model is saved only where it was fitted from pairs, so that the first night without any does not pin an empty one.
    """
    spark, entities = context.store.spark, context.project.match.entities
    scored = [*run_together(spark, {it: partial(_score, context, it, entities[it]) for it in entities}).values()]
    stale = {it.entity_type: it.stale for it in scored}
    touched = {it.entity_type: _touched(it) for it in scored}
    writes = {
        PAIR_SCORES.name: partial(write_pairs, context, _united(map(_pair_rows, scored)), stale),
        MATCH_INPUTS.name: partial(write_inputs, context, _united(map(_input_rows, scored)), stale),
        TOUCHED_RECORDS.name: partial(record_touched, context, MATCHING, touched),
    }
    if fitted := [it for it in scored if it.fitted]:
        writes[MATCH_MODELS.name] = partial(_write_models, context, fitted)
    versions = run_together(spark, writes)
    metrics = {f"{it.entity_type}.{name}": value for it in scored for name, value in _figures(context, it).items()}
    for it in scored:
        it.release()
    return StageResult(versions, metrics, "; ".join(map(_detail, scored)))


def _score(context: RunContext, entity_type: str, match: EntityMatch) -> Scored:
    version, model = pinned_model(context.store, entity_type, match)
    records = context.store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == entity_type)
    hashed = with_input_hash(records, match)
    night = plan_night(context, entity_type, hashed, version=version, is_new=model is None)
    if model is not None and night.before is not None and night.changes is not None:
        changed = score_changes(records, night.before, night.changes, model)
        held = (changed.stale, changed.inputs)
        rows, stale = changed.inputs.rows, changed.stale.joinable
        return Scored(entity_type, match, version, night, changed.pairs, rows, stale=stale, held=held)
    pairs = score_pairs(hashed, match, model=model)
    refuse_unsound(pairs.doubts, where=f"the match model of {entity_type}")
    inputs = pairs.keyed.select(c.RECORD_KEY, c.INPUT_HASH, c.BLOCK_KEYS)
    fitted = model is None and pairs.metrics["model.pairs"] > 0
    return Scored(entity_type, match, version, night, pairs, inputs, fitted)


def _write_models(context: RunContext, fitted: list[Scored]) -> int:
    store, by = context.store, FittedBy(context.run_id, context.as_of)
    return max(write_model(store, it.entity_type, it.pairs.model, version=it.version, by=by) for it in fitted)


def _pair_rows(scored: Scored) -> DataFrame:
    named = {c.ENTITY_TYPE: F.lit(scored.entity_type), c.MODEL_VERSION: F.lit(scored.version)}
    return scored.pairs.pair_scores.withColumns(named).select(*PAIR_SCORES.schema.names)


def _input_rows(scored: Scored) -> DataFrame:
    named = {c.ENTITY_TYPE: F.lit(scored.entity_type), c.MODEL_VERSION: F.lit(scored.version)}
    return scored.inputs.withColumns(named).select(*MATCH_INPUTS.schema.names)


def _touched(scored: Scored) -> DataFrame | None:
    """Whom clustering has to look at: the stale records, and both ends of the edges that were scored tonight."""
    if scored.stale is None:
        return None
    threshold = scored.match.clustering.threshold_log2
    edges = scored.pairs.pair_scores.where((F.col(c.WEIGHT_LOG2) >= threshold) | F.col(c.DETERMINISTIC))
    ends = edges.select(F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY))
    return scored.stale.select(c.RECORD_KEY).unionByName(ends).distinct()


def _figures(context: RunContext, scored: Scored) -> dict[str, float]:
    settings = settings_checksum(context.project, scored.entity_type)
    return {
        "pairs.compared": float(_compared(context, scored).count()),
        **scored.pairs.metrics,
        "settings": settings,
        "full": float(scored.night.is_full),
    }


def _compared(context: RunContext, scored: Scored) -> DataFrame:
    """The pairs that were compared tonight, from where they need not be compared again."""
    if scored.stale is not None:
        return scored.pairs.pair_scores
    return context.store.read(PAIR_SCORES).where(F.col(c.ENTITY_TYPE) == scored.entity_type)


def _detail(scored: Scored) -> str:
    """Which model was applied, to what, and what to doubt about a new one."""
    doubts = [f"doubt: {doubt.problem}" for doubt in scored.pairs.doubts]
    return "; ".join([f"{scored.entity_type}: model {scored.version}", scored.night.why, *doubts])


def _united(parts: Iterable[DataFrame]) -> DataFrame:
    return reduce(DataFrame.unionByName, parts)
