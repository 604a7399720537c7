"""How often each blocking key occurs, counted on the driver and by a shuffle alike."""

from collections import Counter

import numpy as np
from chispa import assert_df_equality
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from cdp_spark.blocking.blocks import build_key_sizes, count_shared_keys, find_key_use
from cdp_spark.blocking.keys import NO_KEY
from cdp_spark.blocking.slots import Slot
from cdp_spark.config.match import BlockingKey

KEYS = [[7, 9, NO_KEY], [7, NO_KEY, 9], [5, 9, 7], [NO_KEY, 6, NO_KEY], [8, NO_KEY, NO_KEY]]
ROWS = st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=12)


@given(ROWS)
def test_shared_keys_are_counted_with_the_lowest_slot(rows: list[tuple[int, int, int]]) -> None:
    table = count_shared_keys(np.array(rows, dtype=np.int64).reshape(-1, 3))
    counts = Counter(key for row in rows for key in row if key != NO_KEY)
    lowest = {key: min(row.index(key) for row in rows if key in row) for key in counts}
    expected = [(key, lowest[key], count) for key, count in sorted(counts.items()) if count > 1]
    assert [tuple(row.values()) for row in table.to_pylist()] == expected


def test_driver_and_shuffle_agree(spark: SparkSession) -> None:
    keyed = spark.createDataFrame(
        [(f"r{i}", row) for i, row in enumerate(KEYS)], "record_key string, block_keys array<long>"
    )
    table = count_shared_keys(np.array(KEYS, dtype=np.int64))
    found = spark.createDataFrame(table.to_pandas(), "block_key long, slot int, record_count long")
    assert_df_equality(build_key_sizes(keyed), found, ignore_row_order=True, ignore_nullable=True, transforms=[])


def test_a_key_above_its_limit_is_purged(spark: SparkSession) -> None:
    keyed = spark.createDataFrame(
        [(f"r{i}", row) for i, row in enumerate(KEYS)], "record_key string, block_keys array<long>"
    )
    slots = tuple(Slot(rule, (BlockingKey(column="email"),), limit=2) for rule in range(3))
    use = find_key_use(keyed, slots)
    assert use.purged.tolist() == [7, 9]
    assert use.purged_rules.tolist() == [1, 1, 0]
    assert use.pairs.tolist() == [0, 0, 0]
