"""The matching stage: records in, scored pairs out, under the pinned model of each entity type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.clustering.refining import is_edge
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.resolution.frames import packed_keys_expr
from cdp_spark.resolution.increment.frames import (
    MODEL_FIGURE,
    OUTDATED_FIGURE,
    RECORDS_FIGURE,
    plan_matching,
    score_changes,
    with_input_hash,
)
from cdp_spark.resolution.learning.soundness import refuse_unsound
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.resolution.models import FittedBy, pinned_model, write_model
from cdp_spark.resolution.scored import score_pairs
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import (
    MATCH_INPUTS,
    MATCH_MODELS,
    OUTDATED_RECORDS,
    PAIR_SCORES,
    RECORDS,
    TOUCHED_RECORDS,
)
from cdp_spark.tables.increments.touched import MATCHING, record_touched
from cdp_spark.tables.rows import as_table, count_rows, field_of, rows_without, unite, unite_texts, with_values
from cdp_spark.tables.run import RunContext, StageResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.increment.frames import MatchingPlan
    from cdp_spark.resolution.learning.soundness import Doubt
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.spec import TableSpec

_WRITTEN = (PAIR_SCORES, MATCH_INPUTS)


@dataclass(frozen=True)
class MatchedPairs:
    """This run's pairs of an entity type.

    Args:
        entity_type: of the records.
        match: its settings.
        version: of the model.
        plan: full or incremental.
        pair_scores: of this run; in an incremental one those of the changed records.
        inputs: record_key, input_hash, block_keys of the records that were compared anew.
        metrics: figures by dotted name.
        records: of the type, now.
        fitted: the pairs with a new model, which is to be saved; None where it is an old one, or from no pairs.
        stale: record_key of those whose rows of earlier runs leave; None in a full run, where all do.
        outdated: how many records were compared anew, or gone, since all were compared.
        doubts: about a new model.
    """

    entity_type: str
    match: EntityMatch
    version: int
    plan: MatchingPlan
    pair_scores: Rows
    inputs: Rows
    metrics: Mapping[str, float]
    records: int
    fitted: MatchModel | None = None
    stale: pa.Table | None = None
    outdated: int = 0
    doubts: tuple[Doubt, ...] = ()

    def rows(self, spec: TableSpec, ordinal: int) -> Rows:
        """The new rows of `pair_scores` or `match_inputs`."""
        made = self.pair_scores if spec is PAIR_SCORES else self.inputs
        return with_values(made, self._values(ordinal) | {c.MODEL_VERSION: self.version}).select(spec.schema.names)

    def marks(self, ordinal: int) -> pa.Table:
        """The new rows of `outdated_records`."""
        if self.stale is None:
            return OUTDATED_RECORDS.table([])
        return with_values(self.stale, self._values(ordinal)).select(OUTDATED_RECORDS.schema.names)

    def _values(self, ordinal: int) -> dict[str, int | str]:
        return {c.ENTITY_TYPE: self.entity_type, c.ORDINAL: ordinal}


def run(context: RunContext) -> StageResult:
    """Score the pairs of every entity type; where a type has no model yet, fit and save its first.

    Where few records changed since the previous run, only their pairs are compared; the tables are those of a full run.
    They are written from the versions that the last finished run recorded, so what a killed one left does not matter.
    A model is saved only where it was fitted from pairs, so that the first run without any does not pin an empty one.
    """
    spark, entities = context.store.spark, context.project.match.entities
    matched = [*run_together(spark, {it: partial(_match, context, it, entities[it]) for it in entities}).values()]
    anew = any(it.stale is None or it.outdated > limits.REWRITE_SHARE * it.records for it in matched)
    touched = {it.entity_type: _find_touched_records(it) for it in matched}
    writes = _rewrites(context, matched) if anew else _appends(context, matched)
    writes[TOUCHED_RECORDS.name] = partial(record_touched, context, MATCHING, touched)
    if fitted := [it for it in matched if it.fitted]:
        writes[MATCH_MODELS.name] = partial(_write_models, context, fitted)
    versions = run_together(spark, writes)
    metrics = {
        f"{it.entity_type}.{name}": value for it in matched for name, value in _figures(context, it, anew=anew).items()
    }
    return StageResult(versions, metrics, "; ".join(map(_detail, matched)), tuple(_warnings(matched)))


def _match(context: RunContext, entity_type: str, match: EntityMatch) -> MatchedPairs:
    version, model = pinned_model(context.store, entity_type, match)
    hashed = with_input_hash(context.store.read_of_type(RECORDS, entity_type), match)
    plan = plan_matching(context, entity_type, hashed, version=version, is_new=model is None)
    if model is not None and plan.changes is not None:
        changed = score_changes(context.store, plan.changes, model)
        return MatchedPairs(
            *(entity_type, match, version, plan, changed.pair_scores, changed.inputs, changed.metrics),
            records=plan.changes.records,
            stale=changed.stale,
            outdated=plan.changes.outdated + changed.stale.num_rows,
        )
    pairs = score_pairs(hashed, match, model=model)
    refuse_unsound(pairs.doubts, where=f"the match model of {entity_type}")
    inputs = pairs.keyed.select(c.RECORD_KEY, c.INPUT_HASH, packed_keys_expr(len(slots_of(pairs.model.match))))
    return MatchedPairs(
        *(entity_type, match, version, plan, pairs.pair_scores, inputs, pairs.metrics),
        records=pairs.keyed.count(),
        fitted=pairs.model if model is None and pairs.metrics["model.pairs"] > 0 else None,
        doubts=pairs.doubts,
    )


def _appends(context: RunContext, matched: Sequence[MatchedPairs]) -> dict[str, Callable[[], int]]:
    """Write new rows behind the others, and mark those that no longer count; by table."""
    spark = context.store.spark
    rows = [(spec, unite(spark, [it.rows(spec, context.ordinal) for it in matched])) for spec in _WRITTEN]
    rows.append((OUTDATED_RECORDS, unite(spark, [it.marks(context.ordinal) for it in matched])))
    return {spec.name: partial(_append, context, spec, new) for spec, new in rows}


def _append(context: RunContext, spec: TableSpec, rows: Rows) -> int:
    """Append to what the last finished run recorded, whatever a killed one left."""
    if context.last is not None:
        context.store.rewind(spec, context.last.written[spec.name])
    return context.store.append(spec, rows, application=None)


def _rewrites(context: RunContext, matched: Sequence[MatchedPairs]) -> dict[str, Callable[[], int]]:
    """Write whole tables, and forget the marks; by table."""
    store = context.store
    rows = [(spec, unite(store.spark, [_all_rows(context, spec, it) for it in matched])) for spec in _WRITTEN]
    rows.append((OUTDATED_RECORDS, OUTDATED_RECORDS.table([])))
    return {spec.name: partial(store.overwrite, spec, whole) for spec, whole in rows}


def _all_rows(context: RunContext, spec: TableSpec, matched: MatchedPairs) -> Rows:
    """This run's rows of a type, and those of the last finished run that still count."""
    new = matched.rows(spec, context.ordinal)
    if matched.stale is None or context.last is None:
        return new
    store, written = context.store, context.last.written
    last = store.read(spec, version=written[spec.name], marked_at=written[OUTDATED_RECORDS.name])
    kept = last.where(F.col(c.ENTITY_TYPE) == matched.entity_type)
    for name in spec.dated_by:
        kept = rows_without(kept, name, matched.stale[c.RECORD_KEY].combine_chunks())
    return unite(store.spark, [kept.select(spec.schema.names), new])


def _write_models(context: RunContext, fitted: list[MatchedPairs]) -> int:
    store, by = context.store, FittedBy(context.run_id, context.as_of)
    return max(write_model(store, it.entity_type, it.fitted, version=it.version, by=by) for it in fitted if it.fitted)


def _find_touched_records(matched: MatchedPairs) -> pa.Table | None:
    """Whom clustering has to look at: the stale records, and both ends of the edges that were scored in this run."""
    stale, scores = matched.stale, matched.pair_scores
    if stale is None:
        return None
    weight, deterministic = (field_of(scores, name) for name in (c.WEIGHT_LOG2, c.DETERMINISTIC))
    edges = scores.filter(is_edge(weight, deterministic, matched.match.clustering.threshold_log2))
    ends = as_table(edges.select([c.RECORD_KEY_L, c.RECORD_KEY_R]))
    return pa.table({c.RECORD_KEY: unite_texts(stale[c.RECORD_KEY], *ends.columns)})


def _figures(context: RunContext, matched: MatchedPairs, *, anew: bool) -> dict[str, float]:
    return {
        "pairs.compared": float(count_rows(_compared(context, matched))),
        **matched.metrics,
        "settings": settings_checksum(context.project, matched.entity_type),
        "full": float(matched.plan.changes is None),
        MODEL_FIGURE: float(matched.version),
        RECORDS_FIGURE: float(matched.records),
        OUTDATED_FIGURE: 0.0 if anew else float(matched.outdated),
    }


def _compared(context: RunContext, matched: MatchedPairs) -> Rows:
    """The pairs that were compared tonight, from where they need not be compared again."""
    if matched.stale is not None:
        return matched.pair_scores
    return context.store.read(PAIR_SCORES).where(F.col(c.ENTITY_TYPE) == matched.entity_type)


def _detail(matched: MatchedPairs) -> str:
    """Which model was applied, and to which records."""
    return f"{matched.entity_type}: model {matched.version}, {matched.plan.why}"


def _warnings(matched: Sequence[MatchedPairs]) -> Iterator[str]:
    """What to doubt about the models that this run fitted."""
    for it in matched:
        for doubt in it.doubts:
            yield f"{it.entity_type}: {doubt.problem}"
