"""The matching stage: records in, scored pairs out, under the pinned model of each entity type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.blocking.keys import packed_keys_expr
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.matching.learning.soundness import refuse_unsound
from cdp_spark.resolution.increment.changed import score_changes
from cdp_spark.resolution.increment.inputs import with_input_hash
from cdp_spark.resolution.increment.night import (
    MODEL_FIGURE,
    OUTDATED_FIGURE,
    RECORDS_FIGURE,
    Night,
    plan_night,
)
from cdp_spark.resolution.increment.write import Rows, write_actions
from cdp_spark.resolution.models import FittedBy, pinned_model, write_model
from cdp_spark.resolution.scored import ScoredPairs, score_pairs, slots_of
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import MATCH_INPUTS, MATCH_MODELS, PAIR_SCORES, RECORDS, TOUCHED_RECORDS
from cdp_spark.tables.increments.touched import MATCHING, record_touched
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import EntityMatch


REWRITE_SHARE = 0.2
"""Where more than this share of the records were compared anew since the tables were written, they are written anew."""


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
        records: of the type, tonight.
        fitted: whether the model is new and to be saved.
        stale: record_key of those whose rows of the last night leave; None in a full night, where all do.
        outdated: how many records were compared anew, or gone, since all were compared.
    """

    entity_type: str
    match: EntityMatch
    version: int
    night: Night
    pairs: ScoredPairs
    inputs: DataFrame
    records: int
    fitted: bool = False
    stale: DataFrame | None = None
    outdated: int = 0


def run(context: RunContext) -> StageResult:
    """Score the pairs of every entity type; where a type has no model yet, fit and save its first.

    Where few records changed since the last night, only their pairs are compared; the tables are those of a full night.
    They are written from the versions that the last finished night recorded, so what a killed one left does not matter.
    A model is saved only where it was fitted from pairs, so that the first night without any does not pin an empty one.
    """
    spark, entities = context.store.spark, context.project.match.entities
    scored = [*run_together(spark, {it: partial(_score, context, it, entities[it]) for it in entities}).values()]
    anew = any(it.stale is None or it.outdated > REWRITE_SHARE * it.records for it in scored)
    touched = {it.entity_type: _touched(it) for it in scored}
    writes = write_actions(context, [_rows(context, it) for it in scored], anew=anew)
    writes[TOUCHED_RECORDS.name] = partial(record_touched, context, MATCHING, touched)
    if fitted := [it for it in scored if it.fitted]:
        writes[MATCH_MODELS.name] = partial(_write_models, context, fitted)
    versions = run_together(spark, writes)
    figures = {it.entity_type: _figures(context, it, anew=anew) for it in scored}
    for it in scored:
        it.pairs.release()
    metrics = {
        f"{entity_type}.{name}": value for entity_type, found in figures.items() for name, value in found.items()
    }
    return StageResult(versions, metrics, "; ".join(map(_detail, scored)))


def _score(context: RunContext, entity_type: str, match: EntityMatch) -> Scored:
    version, model = pinned_model(context.store, entity_type, match)
    records = context.store.read(RECORDS).where(F.col(c.ENTITY_TYPE) == entity_type)
    hashed = with_input_hash(records, match)
    night = plan_night(context, entity_type, hashed, version=version, is_new=model is None)
    if model is not None and night.before is not None and night.changes is not None:
        changed = score_changes(records, night.before, night.changes, model)
        return Scored(
            *(entity_type, match, version, night, changed.pairs, changed.inputs.rows, night.records),
            stale=changed.stale.joinable,
            outdated=night.outdated + changed.stale.count,
        )
    pairs = score_pairs(hashed, match, model=model)
    refuse_unsound(pairs.doubts, where=f"the match model of {entity_type}")
    inputs = pairs.keyed.select(c.RECORD_KEY, c.INPUT_HASH, packed_keys_expr(len(slots_of(pairs.model.match))))
    fitted = model is None and pairs.metrics["model.pairs"] > 0
    return Scored(entity_type, match, version, night, pairs, inputs, pairs.keyed.count(), fitted)


def _write_models(context: RunContext, fitted: list[Scored]) -> int:
    store, by = context.store, FittedBy(context.run_id, context.as_of)
    return max(write_model(store, it.entity_type, it.pairs.model, version=it.version, by=by) for it in fitted)


def _rows(context: RunContext, scored: Scored) -> Rows:
    named = {
        c.ENTITY_TYPE: F.lit(scored.entity_type),
        c.MODEL_VERSION: F.lit(scored.version),
        c.ORDINAL: F.lit(context.ordinal).cast("long"),
    }
    frames = ((PAIR_SCORES, scored.pairs.pair_scores), (MATCH_INPUTS, scored.inputs))
    tonight = {spec.name: rows.withColumns(named).select(*spec.schema.names) for spec, rows in frames}
    return Rows(scored.entity_type, tonight, scored.stale)


def _touched(scored: Scored) -> DataFrame | None:
    """Whom clustering has to look at: the stale records, and both ends of the edges that were scored tonight."""
    if scored.stale is None:
        return None
    threshold = scored.match.clustering.threshold_log2
    edges = scored.pairs.pair_scores.where((F.col(c.WEIGHT_LOG2) >= threshold) | F.col(c.DETERMINISTIC))
    ends = edges.select(F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY))
    return scored.stale.select(c.RECORD_KEY).unionByName(ends).distinct()


def _figures(context: RunContext, scored: Scored, *, anew: bool) -> dict[str, float]:
    return {
        "pairs.compared": float(_compared(context, scored).count()),
        **scored.pairs.metrics,
        "settings": settings_checksum(context.project, scored.entity_type),
        "full": float(scored.night.is_full),
        MODEL_FIGURE: float(scored.version),
        RECORDS_FIGURE: float(scored.records),
        OUTDATED_FIGURE: 0.0 if anew else float(scored.outdated),
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
