"""Score a night's changed records against everything, where the keys of all records are on the driver.

Spark is asked for what it is best at, features and scores, of frames that hold nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.resolution.blocking.key_arrays import pack_keys, unpack_keys
from cdp_spark.resolution.blocking.keys import make_keys
from cdp_spark.resolution.features import columns_read, make_features
from cdp_spark.resolution.increment.inputs import ChangedPairs
from cdp_spark.resolution.linkage import score_changed, slots_of
from cdp_spark.resolution.scored import keyed_records, score_blocks
from cdp_spark.tables.actions.held import keep
from cdp_spark.tables.catalog import RECORDS
from cdp_spark.tables.rows import as_frame

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.increment.local import LocalBlocks, LocalInputs
    from cdp_spark.resolution.model import MatchModel
    from cdp_spark.tables.rows import Rows
    from cdp_spark.tables.store import Store

FETCHED_RECORDS = 300_000
"""More records are picked out by Spark, each where it is read."""
MAX_PAIRS = 2_000_000
"""Above so many pairs inside the blocks, of which a third may be different ones, all cores compare."""


def score_changes_on_driver(store: Store, before: LocalInputs, changes: pa.Table, model: MatchModel) -> ChangedPairs:
    """What `score_changes` gives.

    Args:
        store: with the records of tonight.
        before: the last night's `match_inputs` of the type, under this model.
        changes: of `LocalInputs`.
        model: that scored the last night's pairs.
    """
    stale, inputs = changes.select([c.RECORD_KEY]), _fetch_inputs(store, changes, model.match)
    blocks = before.find_touched(inputs, stale, model)
    turned = blocks.turned()
    if turned.num_rows:
        inputs = pa.concat_tables([inputs, turned.select(inputs.column_names)], promote_options="permissive")
        stale = pa.concat_tables([stale, turned.select([c.RECORD_KEY])], promote_options="permissive")
        blocks = before.find_touched(inputs, stale, model)
    compared = _mark_fresh(inputs.select([c.RECORD_KEY, c.BLOCK_KEYS]), blocks.partners())
    pair_scores, metrics = _score_touched(store, compared, blocks, model)
    return ChangedPairs(pair_scores, stale, stale.num_rows, inputs, metrics)


def _mark_fresh(fresh: pa.Table, partners: pa.Table) -> pa.Table:
    """record_key, block_keys and is_fresh of all that are compared."""
    flags = np.repeat([True, False], [fresh.num_rows, partners.num_rows])
    both = pa.concat_tables([fresh, partners], promote_options="permissive")
    return both.append_column(c.IS_FRESH, pa.array(flags))


def _fetch_inputs(store: Store, changes: pa.Table, match: EntityMatch) -> pa.Table:
    """record_key, input_hash and packed block_keys of the changed records that are there."""
    there = changes.filter(pc.is_valid(changes[c.INPUT_HASH]))
    records = _fetch_few(store, there, match)
    keys = make_keys(make_features(records, match), slots_of(match))
    return records.select([c.RECORD_KEY, c.INPUT_HASH]).append_column(c.BLOCK_KEYS, pack_keys(keys))


def _score_touched(
    store: Store, compared: pa.Table, blocks: LocalBlocks, model: MatchModel
) -> tuple[Rows, dict[str, float]]:
    """Compare the fresh records and their partners inside the touched blocks."""
    match, use = model.match, blocks.key_use(np.array(model.purged_keys, dtype=np.int64))
    known = compared.select([c.RECORD_KEY, c.IS_FRESH])
    if compared.num_rows > FETCHED_RECORDS or blocks.pair_bound() > MAX_PAIRS:
        scored = score_blocks(keep(keyed_records(_join_few(store, known), match)), use, model)
        return keep(scored.pair_scores), scored.metrics
    records = _fetch_few(store, known, match)
    place = pc.index_in(records[c.RECORD_KEY], value_set=compared[c.RECORD_KEY])
    keys = unpack_keys(compared[c.BLOCK_KEYS].take(place).combine_chunks(), len(blocks.slots))
    features = pa.table(make_features(records, match))
    for name in (c.RECORD_KEY, c.IS_FRESH):
        features = features.append_column(name, records[name])
    return score_changed(features, keys, use, model)


def _fetch_few(store: Store, rows: pa.Table, match: EntityMatch) -> pa.Table:
    """Fetch what matching reads of some records, beside what is known of them.

    Args:
        store: with the records.
        rows: record_key, and columns to keep.
        match: says what is read.
    """
    wanted = [c.RECORD_KEY, *columns_read(match, RECORDS.schema.names)]
    if rows.num_rows > FETCHED_RECORDS:
        found = _join_few(store, rows.select([c.RECORD_KEY])).select(*wanted).toArrow()
    else:
        found = store.fetch(RECORDS, wanted, only={c.RECORD_KEY: rows[c.RECORD_KEY].combine_chunks()})
    place = pc.index_in(found[c.RECORD_KEY], value_set=rows[c.RECORD_KEY].combine_chunks())
    for name in rows.column_names:
        if name != c.RECORD_KEY:
            found = found.append_column(name, rows[name].take(place))
    return found


def _join_few(store: Store, rows: pa.Table) -> DataFrame:
    return store.read(RECORDS).join(F.broadcast(as_frame(store.spark, rows)), on=c.RECORD_KEY, how="inner")
