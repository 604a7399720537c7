"""An incremental run of matching: what changed is found and compared where `limits.py` says.

Changed records are always on the driver, and with them the keys of their blocks; where they are too many, the run is
full. The records of the previous run are a table there, or a frame where their keys are too many; so the rules of
`blocks` run over them at once, or in Spark's tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.clustering.settings import settings_checksum
from cdp_spark.limits import BROADCAST_ROWS
from cdp_spark.resolution.features import columns_read, feature_columns, make_features
from cdp_spark.resolution.increment.blocks import (
    CHANGES_TYPE,
    HOLDERS_TYPE,
    INPUTS_TYPE,
    KEYS_TYPE,
    count_holders,
    count_touched,
    find_changes,
    find_touched_keys,
    keys_of,
    make_packed_keys,
    mark_fresh,
    pick_holders,
)
from cdp_spark.resolution.linkage import score_changed, slots_of
from cdp_spark.resolution.scored import keyed_records, score_blocks
from cdp_spark.tables.actions.together import run_together
from cdp_spark.tables.catalog import MATCH_INPUTS, OUTDATED_RECORDS, PAIR_SCORES, RECORDS
from cdp_spark.tables.checkpoint import checkpoint, checkpoint_and_count
from cdp_spark.tables.hashing import column_hash_expr
from cdp_spark.tables.increments.serving import Versions, serve_rows
from cdp_spark.tables.rows import as_frame, as_table, count_rows, map_groups, map_rows, rows_with, rows_without, unite

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pyspark.sql import Column

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.blocking.slots import Slot
    from cdp_spark.resolution.increment.blocks import Touched
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.store import Store

RECORDS_FIGURE, MODEL_FIGURE, OUTDATED_FIGURE = "records", "model.version", "outdated"
"""Behind the entity type: records, the model's version, and how many were compared anew since tables were written."""


@dataclass(frozen=True)
class Changes:
    """What changed since the previous run.

    Args:
        previous: `match_inputs` of the previous run: record_key, input_hash, block_keys.
        rows: from `find_changes`, on the driver.
        records: that there are now.
        outdated: records compared anew, or gone, since the tables were written, before this run.
    """

    previous: Rows
    rows: pa.Table
    records: int
    outdated: int


@dataclass(frozen=True)
class MatchingPlan:
    """What matching starts from for an entity type.

    Args:
        why: in words, for the run's record: what changed, or why the run is full.
        changes: that are matched; None for a full run.
    """

    why: str
    changes: Changes | None = None


@dataclass(frozen=True)
class ChangedPairs:
    """What a run changed about the pairs of an entity type.

    Args:
        pair_scores: scored anew: all pairs with at least one fresh record.
        stale: record_key of the records whose pairs of earlier runs leave: changed, gone, or in a block that came to
            be purged or ceased to be.
        inputs: record_key, input_hash, block_keys of the fresh records, which are the stale ones that are still there
            and the new ones.
        metrics: figures by dotted name.
    """

    pair_scores: Rows
    stale: pa.Table
    inputs: pa.Table
    metrics: dict[str, float]


def with_input_hash(records: DataFrame, match: EntityMatch) -> DataFrame:
    """Add `input_hash`: 64 bits of the columns that features and clustering read.

    Args:
        records: one row per record_key, cleaned.
        match: which columns these are.
    """
    names = sorted({*feature_columns(match), *match.clustering.unique})
    columns_read(match, records.columns)
    return records.withColumn(c.INPUT_HASH, F.xxhash64(*[_column_hash_expr(records, name) for name in names]))


def _column_hash_expr(records: DataFrame, name: str) -> Column:
    known = name in records.columns
    return column_hash_expr(name, F.col(name) if known else F.try_element_at(F.col(c.ATTRIBUTES), F.lit(name)))


def plan_matching(
    context: RunContext, entity_type: str, records: DataFrame, *, version: int, is_new: bool
) -> MatchingPlan:
    """Decide between a full and an incremental run for an entity type, and find what changed.

    Args:
        context: of the run; without an earlier run to build on, this one is full.
        entity_type: whose records these are.
        records: record_key and input_hash.
        version: of the model that is applied.
        is_new: True where the model is yet to be fitted.
    """
    reason = _reason_for_full(context, entity_type, version=version, is_new=is_new)
    if reason is not None:
        return MatchingPlan(f"full run ({reason})")
    known = int(_figure(context, entity_type, RECORDS_FIGURE))
    changes = _find_changes(context, entity_type, records, known)
    changed, gone = changes.rows.num_rows, changes.rows[c.INPUT_HASH].null_count
    if changed > limits.CHANGES_ON_DRIVER:
        return MatchingPlan(f"full run (more than {limits.CHANGES_ON_DRIVER:,} records changed)")
    told = f"{changed - gone:,} of {known:,} records changed or new, {gone:,} gone"
    if changed > limits.MAX_CHANGED_SHARE * known:
        return MatchingPlan(f"full run ({told})")
    return MatchingPlan(f"incremental: {told}", changes)


def _reason_for_full(context: RunContext, entity_type: str, *, version: int, is_new: bool) -> str | None:
    """Why all records are compared, as far as it can be told without looking at them."""
    if context.full:
        return "requested"
    if not is_new and context.last is None:
        return "no earlier run to build on"
    if is_new or not _is_known(context) or _figure(context, entity_type, MODEL_FIGURE) != version:
        return f"first run with model {version}"
    if settings_checksum(context.project, entity_type) != context.last_figure(f"{entity_type}.settings"):
        return "matching settings changed"
    return None


def _is_known(context: RunContext) -> bool:
    """True where the last finished matching left tables to build on."""
    needed = {MATCH_INPUTS.name, PAIR_SCORES.name, OUTDATED_RECORDS.name}
    return context.last is not None and needed <= set(context.last.written)


def _figure(context: RunContext, entity_type: str, name: str) -> float:
    return context.last_figure(f"{entity_type}.{name}") or 0.0


def _find_changes(context: RunContext, entity_type: str, records: DataFrame, known: int) -> Changes:
    """On the driver, where the keys of all records fit there; more changes than it holds are not all of them."""
    written = context.last.written if context.last else {}
    slots = len(slots_of(context.project.match.entities[entity_type]))
    on_driver = known * slots <= limits.KEYS_ON_DRIVER
    serve = partial(
        serve_rows,
        context.store,
        MATCH_INPUTS,
        (c.RECORD_KEY, c.INPUT_HASH, c.BLOCK_KEYS),
        only={c.ENTITY_TYPE: pa.array([entity_type])},
        on_driver=on_driver,
        at=Versions(written[MATCH_INPUTS.name], written[OUTDATED_RECORDS.name]),
    )
    now = records.select(c.RECORD_KEY, c.INPUT_HASH)
    reads: dict[str, Callable[[], Rows]] = {"previous": serve, "now": now.toArrow if on_driver else lambda: now}
    found = run_together(context.store.spark, reads)
    rows = compare_inputs(found["now"], found["previous"], known=known)
    outdated = int(_figure(context, entity_type, OUTDATED_FIGURE))
    return Changes(found["previous"], rows, count_rows(found["now"]), outdated)


def compare_inputs(now: Rows, previous: Rows, *, known: int = 0) -> pa.Table:
    """Find the changes where the records are; of more than the driver holds only the first (an action)."""
    hashes = [rows.select([c.RECORD_KEY, c.INPUT_HASH]) for rows in (now, previous)]
    found = map_groups(hashes, c.RECORD_KEY, find_changes, CHANGES_TYPE, row_count=2 * known)
    return as_table(found.limit(limits.CHANGES_ON_DRIVER + 1) if isinstance(found, DataFrame) else found)


def score_changes(store: Store, changes: Changes, model: MatchModel) -> ChangedPairs:
    """Compare the changed records with each other and with all others; no two unchanged ones.

    Gives the same pairs, with the same rule masks, levels and weights, as a comparison of all records.

    Args:
        store: with the records.
        changes: of them.
        model: that scored the pairs of the previous run.
    """
    slots = slots_of(model.match)
    stale, fresh = changes.rows.select([c.RECORD_KEY]), _make_inputs(store, changes.rows, model.match)
    unchanged, blocks = _find_touched(changes.previous, fresh, stale, model)
    resized = as_table(_holders(unchanged, blocks.resized, slots))
    if resized.num_rows:
        fresh = pa.concat_tables([fresh, resized.select(fresh.column_names)], promote_options="permissive")
        stale = pa.concat_tables([stale, resized.select([c.RECORD_KEY])], promote_options="permissive")
        unchanged, blocks = _find_touched(changes.previous, fresh, stale, model)
    partners = _holders(unchanged, blocks.leading, slots).select([c.RECORD_KEY, c.BLOCK_KEYS])
    pair_scores, metrics = _score_touched(store, fresh.select([c.RECORD_KEY, c.BLOCK_KEYS]), partners, blocks, model)
    return ChangedPairs(pair_scores, stale, fresh, metrics)


def _make_inputs(store: Store, changes: pa.Table, match: EntityMatch) -> pa.Table:
    """record_key, input_hash and packed block_keys of the changed records that are there."""
    there = changes.filter(pc.is_valid(changes[c.INPUT_HASH]))
    rule = partial(make_packed_keys, match=match, slots=slots_of(match))
    made = as_table(map_rows(_serve_records(store, there[c.RECORD_KEY], match), rule, KEYS_TYPE))
    place = pc.index_in(made[c.RECORD_KEY], value_set=there[c.RECORD_KEY].combine_chunks())
    return made.add_column(1, c.INPUT_HASH, there[c.INPUT_HASH].combine_chunks().take(place))


def _serve_records(store: Store, keys: pa.ChunkedArray, match: EntityMatch) -> Rows:
    """What matching reads of some records, on the driver where they are few."""
    columns = dict.fromkeys((c.RECORD_KEY, *columns_read(match, RECORDS.schema.names)))
    on_driver = len(keys) <= limits.RECORDS_FETCHED
    return serve_rows(store, RECORDS, list(columns), only={c.RECORD_KEY: keys.combine_chunks()}, on_driver=on_driver)


def _find_touched(previous: Rows, fresh: pa.Table, stale: pa.Table, model: MatchModel) -> tuple[Rows, Touched]:
    """The unchanged records of the previous run, and the blocks that the others were or are in."""
    slots, stale_keys = slots_of(model.match), stale[c.RECORD_KEY].combine_chunks()
    unchanged = rows_without(previous, c.RECORD_KEY, stale_keys)
    were = as_table(rows_with(previous, c.RECORD_KEY, stale_keys))
    keys = find_touched_keys(fresh, were, slots, np.array(model.purged_keys, dtype=np.int64))
    parts = [
        as_table(map_rows(unchanged, partial(count_holders, keys=part, slots=slots), HOLDERS_TYPE))
        for part in _portions(keys)
    ]
    return unchanged, count_touched(keys, pa.concat_tables(parts), fresh, were, slots)


def _holders(unchanged: Rows, keys: NDArray[np.int64], slots: tuple[Slot, ...]) -> Rows:
    parts = [map_rows(unchanged, partial(pick_holders, keys=it, slots=slots), INPUTS_TYPE) for it in _portions(keys)]
    return parts[0] if len(parts) == 1 else reduce(DataFrame.union, parts).dropDuplicates([c.RECORD_KEY])


def _portions(keys: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """So many keys at once as a task of Spark takes."""
    return np.array_split(keys, len(keys) // limits.SHARED_KEYS + 1)


def _score_touched(
    store: Store, fresh: pa.Table, partners: Rows, blocks: Touched, model: MatchModel
) -> tuple[Rows, dict[str, float]]:
    """Compare the fresh records and their partners inside the touched blocks."""
    use = blocks.key_use(np.array(model.purged_keys, dtype=np.int64))
    if isinstance(partners, DataFrame):
        held = checkpoint_and_count(partners)
        partners = held.rows if held.count > limits.RECORDS_FETCHED else held.rows.toArrow()
    count = fresh.num_rows + count_rows(partners)
    if count > limits.RECORDS_FETCHED or blocks.pair_bound > limits.PAIRS_COMPARED:
        records = _join_flags(store, fresh, partners, count)
        scored = score_blocks(checkpoint(keyed_records(records, model.match)), use, model)
        return checkpoint(scored.pair_scores), scored.metrics
    compared = mark_fresh(fresh, partners)
    records = _serve_records(store, compared[c.RECORD_KEY], model.match)
    ordered = compared.take(pc.index_in(records[c.RECORD_KEY], value_set=compared[c.RECORD_KEY].combine_chunks()))
    features = pa.table(make_features(records, model.match))
    for name in (c.RECORD_KEY, c.IS_FRESH):
        features = features.append_column(name, ordered[name])
    return score_changed(features, keys_of(ordered, blocks.slots), use, model)


def _join_flags(store: Store, fresh: pa.Table, partners: Rows, count: int) -> DataFrame:
    """The records that are compared, with `is_fresh`."""
    flagged = [
        as_frame(store.spark, rows.select([c.RECORD_KEY])).withColumn(c.IS_FRESH, F.lit(is_fresh))
        for rows, is_fresh in ((fresh, True), (partners, False))
    ]
    flags = cast("DataFrame", unite(store.spark, flagged))
    few = F.broadcast(flags) if count <= BROADCAST_ROWS else flags
    return store.read(RECORDS).join(few, on=c.RECORD_KEY, how="inner")
