"""The matching stage: records in, scored pairs out, under the pinned model of each entity type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.resolution.frames import packed_keys_expr
from cdp_spark.resolution.increment.changed import score_changes
from cdp_spark.resolution.increment.inputs import with_input_hash
from cdp_spark.resolution.increment.local import LocalInputs
from cdp_spark.resolution.increment.night import (
    MODEL_FIGURE,
    OUTDATED_FIGURE,
    RECORDS_FIGURE,
    Night,
    plan_night,
)
from cdp_spark.resolution.increment.on_driver import score_changes_on_driver
from cdp_spark.resolution.increment.write import Part, write_actions
from cdp_spark.resolution.learning.soundness import refuse_unsound
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.resolution.models import FittedBy, pinned_model, write_model
from cdp_spark.resolution.scored import score_pairs
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import MATCH_INPUTS, MATCH_MODELS, PAIR_SCORES, RECORDS, TOUCHED_RECORDS
from cdp_spark.tables.checkpoint import CountedFrame
from cdp_spark.tables.increments.touched import MATCHING, record_touched
from cdp_spark.tables.rows import as_frame, count_rows, unite_texts, with_values
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.increment.inputs import ChangedPairs, Changes
    from cdp_spark.resolution.increment.keys import SparkInputs
    from cdp_spark.resolution.learning.soundness import Doubt
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store


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
        pair_scores: of tonight; in an incremental night those of the changed records.
        inputs: record_key, input_hash, block_keys of the records that were compared anew.
        metrics: figures by dotted name.
        records: of the type, tonight.
        fitted: the pairs with a new model, which is to be saved; None where it is an old one, or from no pairs.
        stale: record_key of those whose rows of the last night leave; None in a full night, where all do.
        outdated: how many records were compared anew, or gone, since all were compared.
        doubts: about a new model.
        release: frees what was held for the scores.
    """

    entity_type: str
    match: EntityMatch
    version: int
    night: Night
    pair_scores: Rows
    inputs: Rows
    metrics: Mapping[str, float]
    records: int
    fitted: MatchModel | None = None
    stale: Rows | None = None
    outdated: int = 0
    doubts: tuple[Doubt, ...] = ()
    release: Callable[[], None] = lambda: None


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
    writes = write_actions(context, [_part(context, it) for it in scored], anew=anew)
    writes[TOUCHED_RECORDS.name] = partial(record_touched, context, MATCHING, touched)
    if fitted := [it for it in scored if it.fitted]:
        writes[MATCH_MODELS.name] = partial(_write_models, context, fitted)
    versions = run_together(spark, writes)
    figures = {it.entity_type: _figures(context, it, anew=anew) for it in scored}
    for it in scored:
        it.release()
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
        changed = _score_changes(context.store, records, night.before, night.changes, model)
        return Scored(
            *(entity_type, match, version, night, changed.pair_scores, changed.inputs, changed.metrics),
            records=night.changes.records,
            stale=changed.stale,
            outdated=night.outdated + changed.stale_count,
        )
    pairs = score_pairs(hashed, match, model=model)
    refuse_unsound(pairs.doubts, where=f"the match model of {entity_type}")
    inputs = pairs.keyed.select(c.RECORD_KEY, c.INPUT_HASH, packed_keys_expr(len(slots_of(pairs.model.match))))
    return Scored(
        *(entity_type, match, version, night, pairs.pair_scores, inputs, pairs.metrics),
        records=pairs.keyed.count(),
        fitted=pairs.model if model is None and pairs.metrics["model.pairs"] > 0 else None,
        doubts=pairs.doubts,
        release=pairs.release,
    )


def _score_changes(
    store: Store, records: DataFrame, before: SparkInputs | LocalInputs, changes: Changes, model: MatchModel
) -> ChangedPairs:
    if isinstance(before, LocalInputs):
        return score_changes_on_driver(store, before, changes.rows, model)
    return score_changes(records, before, CountedFrame(as_frame(store.spark, changes.rows), changes.count), model)


def _write_models(context: RunContext, fitted: list[Scored]) -> int:
    store, by = context.store, FittedBy(context.run_id, context.as_of)
    return max(write_model(store, it.entity_type, it.fitted, version=it.version, by=by) for it in fitted if it.fitted)


def _part(context: RunContext, scored: Scored) -> Part:
    values: dict[str, int | str] = {
        c.ENTITY_TYPE: scored.entity_type,
        c.MODEL_VERSION: scored.version,
        c.ORDINAL: context.ordinal,
    }
    made = ((PAIR_SCORES, scored.pair_scores), (MATCH_INPUTS, scored.inputs))
    tonight = {spec.name: with_values(rows, values).select(spec.schema.names) for spec, rows in made}
    return Part(scored.entity_type, tonight, scored.stale)


def _touched(scored: Scored) -> Rows | None:
    """Whom clustering has to look at: the stale records, and both ends of the edges that were scored tonight."""
    stale, scores, threshold = scored.stale, scored.pair_scores, scored.match.clustering.threshold_log2
    if stale is None:
        return None
    if isinstance(stale, DataFrame) or isinstance(scores, DataFrame):
        spark = (stale if isinstance(stale, DataFrame) else scores).sparkSession
        return _touched_in_spark(as_frame(spark, stale), as_frame(spark, scores), threshold)
    edges = scores.filter(pc.or_(pc.greater_equal(scores[c.WEIGHT_LOG2], threshold), scores[c.DETERMINISTIC]))
    return pa.table({c.RECORD_KEY: unite_texts(stale[c.RECORD_KEY], edges[c.RECORD_KEY_L], edges[c.RECORD_KEY_R])})


def _touched_in_spark(stale: DataFrame, scores: DataFrame, threshold: float) -> DataFrame:
    edges = scores.where((F.col(c.WEIGHT_LOG2) >= threshold) | F.col(c.DETERMINISTIC))
    ends = edges.select(F.explode(F.array(c.RECORD_KEY_L, c.RECORD_KEY_R)).alias(c.RECORD_KEY))
    return stale.select(c.RECORD_KEY).unionByName(ends).distinct()


def _figures(context: RunContext, scored: Scored, *, anew: bool) -> dict[str, float]:
    return {
        "pairs.compared": float(count_rows(_compared(context, scored))),
        **scored.metrics,
        "settings": settings_checksum(context.project, scored.entity_type),
        "full": float(scored.night.is_full),
        MODEL_FIGURE: float(scored.version),
        RECORDS_FIGURE: float(scored.records),
        OUTDATED_FIGURE: 0.0 if anew else float(scored.outdated),
    }


def _compared(context: RunContext, scored: Scored) -> Rows:
    """The pairs that were compared tonight, from where they need not be compared again."""
    if scored.stale is not None:
        return scored.pair_scores
    return context.store.read(PAIR_SCORES).where(F.col(c.ENTITY_TYPE) == scored.entity_type)


def _detail(scored: Scored) -> str:
    """Which model was applied, to what, and what to doubt about a new one."""
    doubts = [f"doubt: {doubt.problem}" for doubt in scored.doubts]
    return "; ".join([f"{scored.entity_type}: model {scored.version}", scored.night.why, *doubts])
