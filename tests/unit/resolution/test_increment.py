"""What changed since the last night, and which blocks that touches."""

from random import Random

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from tests.integration.increment_nights import MATCH as NIGHTS_MATCH
from tests.integration.increment_nights import World, model_of

from cdp_spark.blocking.key_use import GROWTH, read_key_use
from cdp_spark.blocking.slots import Slot
from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.resolution.increment.changed import score_changes
from cdp_spark.resolution.increment.inputs import build_changes, with_input_hash
from cdp_spark.resolution.increment.keys import (
    TouchedBlocks,
    build_partners,
    build_touched_sizes,
    build_turned_keys,
    build_unchanged_holders,
)
from cdp_spark.resolution.scored import score_pairs
from cdp_spark.tables.held import hold

MATCH = EntityMatch(
    blocking=(BlockingRule(name="email", keys=(BlockingKey(column="email"),)),),
    comparisons=tuple(Comparison(name=name, method="exact", columns=(name,)) for name in ("given_name", "nickname")),
)
RECORDS = "record_key string, given_name string, email string, phone string, attributes map<string, string>"
SLOTS = (Slot(0, (BlockingKey(column="email"),), limit=2), Slot(1, (BlockingKey(column="city"),), limit=1))
HOLDERS = "record_key string, slot int, block_key long, is_stale boolean"


def _hashes(spark: SparkSession, *rows: tuple[object, ...]) -> list[int]:
    hashed = with_input_hash(spark.createDataFrame(list(rows), RECORDS), MATCH)
    return [row["input_hash"] for row in hashed.orderBy("record_key").collect()]


def test_the_hash_is_of_what_matching_reads(spark: SparkSession) -> None:
    same, other_phone, swapped, other_nickname, nothing = _hashes(
        spark,
        ("a", "Ann", None, "1", {}),
        ("b", "Ann", None, "2", {"tier": "gold"}),
        ("c", None, "Ann", "1", {}),
        ("d", "Ann", None, "1", {"nickname": "Nan"}),
        ("e", None, None, None, {}),
    )
    assert same == other_phone
    assert len({same, swapped, other_nickname, nothing}) == 4


def test_changes_are_new_changed_and_gone_records(spark: SparkSession) -> None:
    now = spark.createDataFrame([("same", 1), ("new", 2), ("changed", 3)], "record_key string, input_hash long")
    before = spark.createDataFrame([("same", 1), ("gone", 2), ("changed", 4)], "record_key string, input_hash long")
    expected = spark.createDataFrame([("new", 2), ("changed", 3), ("gone", None)], now.schema)
    assert_df_equality(build_changes(now, before), expected, ignore_row_order=True, transforms=[])


@pytest.fixture
def blocks(spark: SparkSession) -> TouchedBlocks:
    """Key 10 had eight records and now has nine; key 20 had six and now has three; key 30 is of one gone record."""
    many = [(f"m{number}", 0, 10, False) for number in range(8)]
    few = [(f"f{number}", 1, 20, number >= 3) for number in range(6)]
    holders = spark.createDataFrame([*many, *few, ("g", 0, 30, True)], HOLDERS)
    now = spark.createDataFrame([("n", 0, 10), ("n", 1, 20)], "record_key string, slot int, block_key long")
    return TouchedBlocks(holders, build_touched_sizes(holders, now).persist())


def test_sizes_of_touched_keys(spark: SparkSession, blocks: TouchedBlocks) -> None:
    expected = spark.createDataFrame(
        [(10, 0, 8, 9, 1), (20, 1, 6, 4, 1), (30, 0, 1, 0, 0)],
        "block_key long, slot int, was long, record_count long, fresh long",
    )
    assert_df_equality(blocks.sizes, expected, ignore_row_order=True, ignore_nullable=True, transforms=[])


def test_keys_turn_where_they_cross_four_times_their_limit(spark: SparkSession, blocks: TouchedBlocks) -> None:
    assert GROWTH == 4
    turned = build_turned_keys(blocks.sizes, SLOTS)
    assert sorted(row[0] for row in turned.collect()) == [10, 20]
    assert _keys(build_unchanged_holders(blocks, turned)) == sorted({*(f"m{i}" for i in range(8)), "f0", "f1", "f2"})


def test_partners_share_a_live_key_with_a_changed_record(blocks: TouchedBlocks) -> None:
    assert _keys(build_partners(blocks, SLOTS)) == ["f0", "f1", "f2"]
    blocks.release()


def _keys(rows: DataFrame) -> list[str]:
    return sorted(row["record_key"] for row in rows.collect())


def test_under_a_model_only_outgrown_keys_are_purged_anew(spark: SparkSession) -> None:
    rows = [(10, 0, 9), (11, 0, 8), (12, 0, 2), (20, 1, 4)]
    sizes = spark.createDataFrame(rows, "block_key long, slot int, record_count long")
    fitted = read_key_use(sizes, SLOTS)
    assert (fitted.purged.tolist(), fitted.overgrown) == ([10, 11, 20], 0)
    applied = read_key_use(sizes, SLOTS, frozen=fitted.purged[2:])
    assert (applied.purged.tolist(), applied.overgrown) == ([10, 20], 1)


@pytest.mark.parametrize("seed", [3, 4])
def test_changed_pairs_and_those_that_stay_are_all_pairs(spark: SparkSession, seed: int) -> None:
    world = World(Random(seed), has_visitors=False)
    world.grow(60)
    yesterday = with_input_hash(world.people(spark), NIGHTS_MATCH)
    model = model_of(yesterday)
    last = score_pairs(yesterday, NIGHTS_MATCH, model=model)
    before = last.keyed.select("record_key", "input_hash", "block_keys")
    for _ in range(2):
        world.pass_a_night()
    tonight = with_input_hash(world.people(spark), NIGHTS_MATCH)
    changed = score_changes(tonight.drop("input_hash"), before, hold(build_changes(tonight, before)), model)
    stale = {row["record_key"] for row in changed.stale.rows.collect()}
    stay = [row for row in map(tuple, last.pair_scores.collect()) if not stale & {row[0], row[1]}]
    fresh = list(map(tuple, changed.pairs.pair_scores.collect()))
    everything = score_pairs(tonight, NIGHTS_MATCH, model=model)
    assert stay, seed
    assert sorted(stay + fresh) == sorted(map(tuple, everything.pair_scores.collect())), seed
    for scored in (last, changed.pairs, everything):
        scored.release()
