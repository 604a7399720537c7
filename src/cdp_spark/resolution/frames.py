"""Spark carries matching's functions to the records: it keys them, brings blocks together and counts.

1. `build_keyed`: records pass through Python once; out come features and block keys.
2. `find_key_use`: keys are counted, on the driver or by a shuffle.
3. `build_blocks`: each record goes out once for each key whose block has to be made.
4. `build_pair_patterns`, `build_pair_scores`: the one shuffle brings blocks together, and pairs are compared there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark import limits
from cdp_spark.resolution.blocking.blocks import TRAVELLING, mark_keys, split_slots
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, keys_of_lists, pack_keys
from cdp_spark.resolution.blocking.key_use import (
    KeyUse,
    count_keys,
    judge_sizes,
    judge_some,
)
from cdp_spark.resolution.blocking.keys import make_keys
from cdp_spark.resolution.features import columns_read, feature_columns, make_features
from cdp_spark.resolution.kernel import compare_blocks
from cdp_spark.resolution.learning.fitting import COUNT_ORDER, IS_MATCH
from cdp_spark.resolution.learning.sample import SAMPLE_RECORDS, Sample
from cdp_spark.resolution.scoring import weigh_patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.blocking.slots import Slot
    from cdp_spark.resolution.kernel import Kernel
    from cdp_spark.resolution.model import MatchModel

    ArrowTask = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

_ENDS = f"{c.RECORD_KEY_L} string, {c.RECORD_KEY_R} string, {c.RULE_MASK} bigint"
PATTERNS_TYPE = f"{_ENDS}, {c.PATTERN} bigint"
SCORES_TYPE = f"{_ENDS}, {c.LEVELS} string, {c.WEIGHT_LOG2} double, {c.DETERMINISTIC} boolean"
_MARKED = "marked"
_MARKED_TYPE = f"{c.BLOCK_KEYS} binary, {TRAVELLING} array<bigint>"


def build_features(records: DataFrame, match: EntityMatch, *, carried: tuple[str, ...] = ()) -> DataFrame:
    """Keep the record key and the columns that matching needs, as comparable text.

    Args:
        records: one row per record_key; a column that is not among its own is looked up in `attributes`.
        match: which columns are needed.
        carried: columns to keep as they are.
    Returns: one row per record_key; text or null in every column that is not carried.

    Raises:
        ContractError: a column is neither in the records nor in a map of attributes.
    """
    return _map_records(records, match, carried, None)


def build_keyed(
    records: DataFrame, match: EntityMatch, slots: tuple[Slot, ...], *, carried: tuple[str, ...] = ()
) -> DataFrame:
    """Make features and blocking keys of records, in one pass.

    Args:
        records: as `build_features` takes them.
        match: which columns are needed.
        slots: the layout of the keys.
        carried: columns to keep as they are.
    Returns: one row per record_key: the carried columns, the features, and `block_keys`, an array.
    """
    return _map_records(records, match, carried, slots)


def _map_records(
    records: DataFrame, match: EntityMatch, carried: tuple[str, ...], slots: tuple[Slot, ...] | None
) -> DataFrame:
    kept = (c.RECORD_KEY, *carried)
    names = list(feature_columns(match))
    read = [F.col(f"`{name}`") for name in dict.fromkeys((*kept, *columns_read(match, records.columns)))]
    fields = [
        *(records.schema[name] for name in kept),
        *(T.StructField(name, T.StringType()) for name in names if name not in kept),
        *([] if slots is None else [T.StructField(c.BLOCK_KEYS, T.ArrayType(T.LongType()))]),
    ]

    def make(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            features = make_features(batch, match)
            columns = {name: batch.column(name) for name in kept} | features
            if slots is not None:
                keys = make_keys(features, slots) if features else np.zeros((batch.num_rows, 0), dtype=np.int64)
                columns[c.BLOCK_KEYS] = _as_lists(keys)
            yield pa.RecordBatch.from_pydict(columns)

    return records.select(*read).mapInArrow(make, T.StructType(fields))


def _as_lists(keys: NDArray[np.int64]) -> pa.Array:
    ends = pa.array(np.arange(len(keys) + 1) * keys.shape[1], pa.int32())
    return pa.ListArray.from_arrays(ends, pa.array(keys.ravel()))


def packed_keys_expr(slots: int) -> Column:
    """`block_keys` as bytes, for a table: a file holds and a reader takes them in one piece."""

    @F.arrow_udf("binary")  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
    def pack(lists: pa.Array) -> pa.Array:
        return pack_keys(keys_of_lists(lists, slots))

    return cast("Column", pack(F.col(c.BLOCK_KEYS)).alias(c.BLOCK_KEYS))


def read_sample(keyed: DataFrame, *, seed: int) -> Sample:
    """Collect the records with the lowest hashes, without their block keys (an action)."""
    return Sample(sampled(keyed.drop(c.BLOCK_KEYS), seed=seed).toArrow())


def read_feature_sample(records: DataFrame, match: EntityMatch) -> Sample:
    """Collect the records with the lowest hashes and make their features here (an action).

    Args:
        records: one row per record_key, cleaned.
        match: which columns are needed.
    """
    wanted = dict.fromkeys((c.RECORD_KEY, *columns_read(match, records.columns)))
    few = sampled(records.select(*(F.col(f"`{name}`") for name in wanted)), seed=match.seed).toArrow()
    return Sample(pa.table({c.RECORD_KEY: few[c.RECORD_KEY], **make_features(few, match)}))


def sampled(records: DataFrame, *, seed: int | None = None, most: int = SAMPLE_RECORDS) -> DataFrame:
    """Take the records with the lowest hashes, as `take_sample` does."""
    keys = [F.col(c.RECORD_KEY)] if seed is None else [F.lit(seed), F.col(c.RECORD_KEY)]
    return records.orderBy(F.xxhash64(*keys), c.RECORD_KEY).limit(most)


def find_key_use(keyed: DataFrame, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None = None) -> KeyUse:
    """Count the keys, on the driver or by a shuffle, and judge them (an action).

    Args:
        keyed: one row per record_key with `block_keys`; counted and then used, so pass a materialised frame.
        slots: the layout of the keys.
        frozen: as `count_keys` takes it.
    """
    if keyed.count() * len(slots) > limits.KEYS_ON_DRIVER:
        return read_key_use(build_key_sizes(keyed), slots, frozen=frozen)
    lists = keyed.select(c.BLOCK_KEYS).toArrow().column(c.BLOCK_KEYS)
    return count_keys(keys_of_lists(lists, len(slots)), slots, frozen=frozen)


def build_key_sizes(keyed: DataFrame) -> DataFrame:
    """One row per key that at least two records share: block_key, slot (the lowest it stands in), record_count."""
    exploded = keyed.select(F.posexplode(c.BLOCK_KEYS).alias(c.SLOT, c.BLOCK_KEY)).where(F.col(c.BLOCK_KEY) != NO_KEY)
    sizes = exploded.groupBy(c.BLOCK_KEY).agg(F.min(c.SLOT).alias(c.SLOT), F.count(F.lit(1)).alias(c.RECORD_COUNT))
    return sizes.where(F.col(c.RECORD_COUNT) > 1)


def read_key_use(sizes: DataFrame, slots: tuple[Slot, ...], *, frozen: NDArray[np.int64] | None = None) -> KeyUse:
    """Collect which keys are purged and which are shared (an action).

    Args:
        sizes: as `build_key_sizes` makes it.
        slots: the layout of the keys.
        frozen: as `count_keys` takes it.
    """
    table = sizes.limit(limits.SHARED_KEYS + 1).toArrow()
    if table.num_rows <= limits.SHARED_KEYS:
        return judge_sizes(table, slots, frozen=frozen)
    large = sizes.where(F.col(c.RECORD_COUNT) > min(slot.limit for slot in slots)).toArrow()
    return judge_some(large, slots, frozen=frozen)


def build_blocks(keyed: DataFrame, use: KeyUse, slots: tuple[Slot, ...]) -> DataFrame:
    """Emit each record once for each of its keys whose block has to be made for its pairs.

    Only the keys travel to Python and back; the rows are multiplied in the JVM.

    Args:
        keyed: one row per record_key with `block_keys` and the features.
        use: which keys are purged, and which lead to pairs.
        slots: the layout of the keys.
    Returns: one row per (block_key, record_key), as `expand_blocks` gives them in memory.
    """
    splits = split_slots(slots)

    @F.arrow_udf(_MARKED_TYPE)  # type: ignore[attr-defined,untyped-decorator] # Spark's stubs lack it
    def mark(keys: pa.Array) -> pa.Array:
        return mark_keys(keys_of_lists(keys, len(splits)), use, splits)

    others = [name for name in keyed.columns if name != c.BLOCK_KEYS]
    marked = keyed.select(*others, mark(F.col(c.BLOCK_KEYS)).alias(_MARKED))
    return marked.select(
        F.explode(f"{_MARKED}.{TRAVELLING}").alias(c.BLOCK_KEY),
        *others,
        F.col(f"{_MARKED}.{c.BLOCK_KEYS}").alias(c.BLOCK_KEYS),
    )


def build_pair_patterns(blocks: DataFrame, kernel: Kernel, *, partitions: int) -> DataFrame:
    """Compare every two records that share a block.

    Args:
        blocks: as `build_blocks` makes them; where they bear the flag `is_fresh`, only pairs with at least one such
            record are compared.
        kernel: rules and comparisons.
        partitions: of the one shuffle.
    Returns: one row per unordered pair (record_key_l < record_key_r): rule mask and packed comparison levels.
    """
    return _map_blocks(blocks, lambda batches: compare_blocks(batches, kernel), PATTERNS_TYPE, partitions=partitions)


def build_pair_scores(
    blocks: DataFrame, kernel: Kernel, model: MatchModel, *, deterministic_mask: int, partitions: int
) -> DataFrame:
    """Compare every two records that share a block, and give every pair its match weight.

    Args:
        blocks: as `build_pair_patterns` takes them.
        kernel: rules and comparisons.
        model: what the outcomes weigh.
        deterministic_mask: bits of the rules that join a pair whatever its weight.
        partitions: of the one shuffle.
    Returns: one row per pair: record_key_l, record_key_r, rule_mask, levels, weight_log2, deterministic.
    """

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for patterns in compare_blocks(batches, kernel):
            yield weigh_patterns(patterns, model, deterministic_mask=deterministic_mask)

    return _map_blocks(blocks, score, SCORES_TYPE, partitions=partitions)


def _map_blocks(blocks: DataFrame, task: ArrowTask, schema: str, *, partitions: int) -> DataFrame:
    """The one shuffle: bring each block together and give it to a task.

    The sort is by the key alone, for which Spark has a radix sort; inside a block the order is any.
    """
    shuffled = blocks.repartition(partitions, c.BLOCK_KEY).sortWithinPartitions(c.BLOCK_KEY)
    return shuffled.mapInArrow(task, schema)


def read_pattern_counts(pair_patterns: DataFrame) -> pa.Table:
    """Count the pairs of each distinct (rule_mask, pattern), as `count_patterns` does (an action)."""
    counts = pair_patterns.groupBy(c.RULE_MASK, c.PATTERN).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT)).toArrow()
    return counts.sort_by(COUNT_ORDER)


def read_labelled_counts(pair_patterns: DataFrame, labels: DataFrame) -> pa.Table:
    """Count the labelled pairs of each distinct (rule_mask, pattern, is_match) (an action).

    Args:
        pair_patterns: one row per pair.
        labels: record_key_l, record_key_r, is_match; a pair once.
    """
    judged = pair_patterns.join(labels, on=[c.RECORD_KEY_L, c.RECORD_KEY_R], how="inner")
    counts = judged.groupBy(c.RULE_MASK, c.PATTERN, IS_MATCH).agg(F.count(F.lit(1)).alias(c.RECORD_COUNT)).toArrow()
    return counts.sort_by([*COUNT_ORDER, (IS_MATCH, "ascending")])
