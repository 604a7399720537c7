"""How often each blocking key occurs, counted on the driver and by a shuffle alike; how keys are packed."""

from collections import Counter

import numpy as np
import pyarrow as pa
from chispa import assert_df_equality
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from cdp_spark.config.match import BlockingKey
from cdp_spark.resolution.blocking.key_arrays import NO_KEY, pack_keys, unpack_keys
from cdp_spark.resolution.blocking.key_use import count_keys, kinds_of
from cdp_spark.resolution.blocking.shared import find_shared_keys
from cdp_spark.resolution.blocking.slots import Slot
from cdp_spark.resolution.frames import build_key_sizes

KEYS = [[7, 9, NO_KEY], [7, NO_KEY, 9], [5, 9, 8], [NO_KEY, 6, NO_KEY], [5, NO_KEY, NO_KEY], [7, NO_KEY, NO_KEY]]
KEY = (BlockingKey(column="email"),)
SLOTS = (Slot(0, KEY, limit=2), Slot(1, KEY, limit=2, token=0), Slot(1, KEY, limit=2, token=1))
ROWS = st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=12)


@given(ROWS)
def test_shared_keys_are_counted_with_the_lowest_slot(rows: list[tuple[int, int, int]]) -> None:
    """The first slot's keys are of a rule of its own, so no other slot has them."""
    rows = [(own and own + 100, left, right) for own, left, right in rows]
    table = find_shared_keys(np.array(rows, dtype=np.int64).reshape(-1, 3), kinds_of(SLOTS)).as_table()
    counts = Counter(key for row in rows for key in row if key != NO_KEY)
    lowest = {key: min(row.index(key) for row in rows if key in row) for key in counts}
    expected = [(key, lowest[key], count) for key, count in sorted(counts.items()) if count > 1]
    assert sorted(tuple(row.values()) for row in table.to_pylist()) == expected


def test_a_slot_that_splits_another_has_keys_of_its_own() -> None:
    assert kinds_of((Slot(0, KEY, 2), Slot(0, KEY, 2, splits=0), Slot(1, KEY, 2))).tolist() == [0, 1, 2]


def test_driver_and_shuffle_agree(spark: SparkSession) -> None:
    keyed = spark.createDataFrame(
        [(f"r{i}", row) for i, row in enumerate(KEYS)], "record_key string, block_keys array<long>"
    )
    table = find_shared_keys(np.array(KEYS, dtype=np.int64), kinds_of(SLOTS)).as_table()
    found = spark.createDataFrame(table.to_pandas(), "block_key long, slot int, record_count long")
    assert_df_equality(build_key_sizes(keyed), found, ignore_row_order=True, ignore_nullable=True, transforms=[])


def test_a_key_above_its_limit_is_purged() -> None:
    use = count_keys(np.array(KEYS, dtype=np.int64), SLOTS)
    assert use.purged.tolist() == [7, 9]
    assert (use.purged_rules.tolist(), use.split_rules.tolist()) == ([1, 1], [0, 0])
    assert use.pairs.tolist() == [1, 0]
    assert use.may_lead(np.array([5, 6])).tolist() == [True, False]


def test_a_key_that_gives_way_is_split_and_its_parts_pairs_count() -> None:
    """Five records share key 1, above the limit of 2: two of them share part 11; three share 12, too many as well."""
    slots = (Slot(0, KEY, limit=2), Slot(0, KEY, limit=2, splits=0), Slot(1, KEY, limit=2))
    few = [[1, 11, 5], [1, 11, 5], [2, 13, 5], [2, 13, NO_KEY]]  # key 2 is within its limit, so 13 is not in force
    use = count_keys(np.array([*few, *[[1, 12, NO_KEY]] * 3], dtype=np.int64), slots)
    assert use.purged.tolist() == [1, 5, 12]
    assert (use.split_rules.tolist(), use.purged_rules.tolist()) == ([1, 0], [1, 1])
    assert use.pairs.tolist() == [2, 0]


@given(ROWS, st.integers(0, 5))
def test_packed_keys_come_back(rows: list[tuple[int, int, int]], first: int) -> None:
    keys = np.array(rows, dtype=np.int64).reshape(-1, 3)
    packed = pa.chunked_array([pack_keys(keys)]).slice(first).combine_chunks()
    assert unpack_keys(packed, 3).tolist() == keys[first:].tolist()
