"""Compare pairs and weigh them by a model, in the one pass over blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from cdp_spark import columns as c
from cdp_spark.matching.kernel import Kernel, compare_blocks, map_blocks
from cdp_spark.matching.patterns import as_texts, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

    from cdp_spark.matching.model import MatchModel

SCORES_SCHEMA = T.StructType(
    [
        T.StructField(c.RECORD_KEY_L, T.StringType(), nullable=False),
        T.StructField(c.RECORD_KEY_R, T.StringType(), nullable=False),
        T.StructField(c.RULE_MASK, T.LongType(), nullable=False),
        T.StructField(c.LEVELS, T.StringType(), nullable=False),
        T.StructField(c.WEIGHT_LOG2, T.DoubleType(), nullable=False),
        T.StructField(c.DETERMINISTIC, T.BooleanType(), nullable=False),
    ]
)


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

    return map_blocks(blocks, score, SCORES_SCHEMA, partitions=partitions)


def score_blocks_in_memory(blocks: pa.Table, kernel: Kernel, model: MatchModel, *, deterministic_mask: int) -> pa.Table:
    """What `build_pair_scores` gives, on this machine alone.

    Args:
        blocks: as `expand_blocks` makes them.
        kernel: rules and comparisons.
        model: what the outcomes weigh.
        deterministic_mask: bits of the rules that join a pair whatever its weight.
    """
    patterns = compare_blocks(iter(blocks.combine_chunks().to_batches()), kernel)
    scored = [weigh_patterns(it, model, deterministic_mask=deterministic_mask) for it in patterns]
    return pa.Table.from_batches(scored) if scored else to_arrow_schema(SCORES_SCHEMA).empty_table()


def weigh_patterns(patterns: pa.RecordBatch, model: MatchModel, *, deterministic_mask: int) -> pa.RecordBatch:
    """A batch of PATTERNS_SCHEMA to one of SCORES_SCHEMA; a weight is rounded to a millionth of a bit."""
    masks, packed = (patterns.column(name).to_numpy() for name in (c.RULE_MASK, c.PATTERN))
    columns = [
        patterns.column(c.RECORD_KEY_L),
        patterns.column(c.RECORD_KEY_R),
        patterns.column(c.RULE_MASK),
        as_texts(unpack(packed, len(model.match.comparisons))),
        pa.array(np.round(model.pattern_weights(masks, packed), 6)),
        pa.array((masks & deterministic_mask) != 0),
    ]
    return pa.RecordBatch.from_arrays(columns, names=SCORES_SCHEMA.names)
