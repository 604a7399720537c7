"""What changed since the last night, and which blocks that touches."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

import numpy as np
import pyarrow as pa
import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from tests.integration.increment_nights import MATCH as NIGHTS_MATCH
from tests.integration.increment_nights import World, model_of

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.resolution.blocking.key_arrays import pack_keys
from cdp_spark.resolution.blocking.key_use import GROWTH
from cdp_spark.resolution.blocking.slots import Slot
from cdp_spark.resolution.frames import packed_keys_expr, read_key_use
from cdp_spark.resolution.increment import on_driver
from cdp_spark.resolution.increment.changed import score_changes
from cdp_spark.resolution.increment.inputs import ChangedPairs, Changes, build_changes, with_input_hash
from cdp_spark.resolution.increment.keys import SparkBlocks, SparkInputs
from cdp_spark.resolution.increment.local import LocalBlocks, LocalInputs, find_changes
from cdp_spark.resolution.increment.on_driver import score_changes_on_driver
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.scored import score_pairs
from cdp_spark.tables import catalog
from cdp_spark.tables.actions.held import Held, hold
from cdp_spark.tables.rows import as_frame
from cdp_spark.tables.store import Store

MATCH = EntityMatch(
    blocking=(BlockingRule(name="email", keys=(BlockingKey(column="email"),)),),
    comparisons=tuple(Comparison(name=name, method="exact", columns=(name,)) for name in ("given_name", "nickname")),
)
SLOTS_MATCH = EntityMatch(
    blocking=(
        BlockingRule(name="email", keys=(BlockingKey(column="email"),), max_block_records=2),
        BlockingRule(name="city", keys=(BlockingKey(column="city"),), max_block_records=2),
    ),
    comparisons=MATCH.comparisons,
)
RECORDS = "record_key string, given_name string, email string, phone string, attributes map<string, string>"
SLOTS = (Slot(0, (BlockingKey(column="email"),), limit=2), Slot(1, (BlockingKey(column="city"),), limit=2))


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
    assert find_changes(now.toArrow(), before.toArrow()) == expected.toArrow()
    nobody = now.limit(0).toArrow()
    assert find_changes(nobody, nobody).num_rows == 0
    assert find_changes(nobody, before.toArrow())["input_hash"].null_count == 3


MODEL = cast("MatchModel", SimpleNamespace(match=SLOTS_MATCH, purged_keys=(40,)))
BEFORE = {
    **{f"m{number}": (10, 40) for number in range(8)},
    **{f"f{number}": (0, 20) for number in range(9)},
    "g": (30, 0),
    "x": (50, 40),
}
"""Key 10 had eight records and now has nine; key 20 had nine and now has four; key 30 was of one that is gone."""


STALE = [*((f"f{number}",) for number in range(3, 9)), ("g",)]


def _inputs(spark: SparkSession, keys: dict[str, tuple[int, int]]) -> DataFrame:
    packed = pack_keys(np.array(list(keys.values()), dtype=np.int64))
    table = {"record_key": list(keys), "input_hash": [7] * len(keys), "block_keys": packed}
    return spark.createDataFrame(pa.table(table))


def _find_touched(before: DataFrame, fresh: DataFrame, stale: DataFrame, engine: str) -> SparkBlocks | LocalBlocks:
    if engine == "local":
        return LocalInputs(before.toArrow().combine_chunks()).find_touched(fresh.toArrow(), stale.toArrow(), MODEL)
    return SparkInputs(before).find_touched(fresh, hold(stale), MODEL)


@pytest.fixture(params=["spark", "local"])
def blocks(spark: SparkSession, request: pytest.FixtureRequest) -> SparkBlocks | LocalBlocks:
    stale = spark.createDataFrame([*STALE, ("n",)], "record_key string")
    return _find_touched(_inputs(spark, BEFORE), _inputs(spark, {"n": (10, 20), "o": (60, 40)}), stale, request.param)


def _rows(spark: SparkSession, rows: DataFrame | pa.Table | None) -> list[dict[str, object]]:
    return [] if rows is None else [row.asDict() for row in as_frame(spark, rows).collect()]


def test_the_layout_is_that_of_the_slots() -> None:
    assert slots_of(SLOTS_MATCH) == SLOTS


def test_sizes_of_touched_keys(spark: SparkSession) -> None:
    stale = hold(spark.createDataFrame(STALE, "record_key string"))
    found = SparkInputs(_inputs(spark, BEFORE)).find_touched(_inputs(spark, {"n": (10, 20)}), stale, MODEL)
    expected = spark.createDataFrame(
        [(10, 0, 8, 9, 1), (20, 1, 9, 4, 1), (30, 0, 1, 0, 0)],
        "block_key long, slot int, was long, record_count long, fresh long",
    )
    assert_df_equality(found.sizes, expected, ignore_row_order=True, ignore_nullable=True, transforms=[])


def test_keys_turn_where_they_cross_four_times_their_limit(
    spark: SparkSession, blocks: SparkBlocks | LocalBlocks
) -> None:
    assert GROWTH == 4
    found = {row["record_key"]: row["block_keys"] for row in _rows(spark, blocks.turned())}
    assert sorted(map(str, found)) == sorted({*(f"m{i}" for i in range(8)), "f0", "f1", "f2"})
    assert np.frombuffer(cast("bytes", found["m0"]), np.int64).tolist() == [10, 40]


def test_partners_share_a_live_key_with_a_changed_record(
    spark: SparkSession, blocks: SparkBlocks | LocalBlocks
) -> None:
    assert sorted(str(row["record_key"]) for row in _rows(spark, blocks.partners())) == ["f0", "f1", "f2"]
    if isinstance(blocks, LocalBlocks):  # of key 20: one that changed, and four in all; key 10 has outgrown its limit
        assert blocks.pair_bound() == 4


def test_keys_by_which_changed_records_meet_others_are_judged(blocks: SparkBlocks | LocalBlocks) -> None:
    use = blocks.key_use(np.array([40]))
    assert (use.purged.tolist(), use.pairs.tolist(), use.overgrown) == ([10, 40], [0, 6], 1)
    assert use.may_lead(np.array([20])).all()


@pytest.mark.parametrize("engine", ["spark", "local"])
def test_nothing_turns_where_nothing_changed(spark: SparkSession, engine: str) -> None:
    rows = _inputs(spark, BEFORE)
    nobody = spark.createDataFrame([], rows.schema)
    found = _find_touched(rows, nobody, nobody.select("record_key"), engine)
    assert _rows(spark, found.turned()) == []
    assert _rows(spark, found.partners()) == []


def test_under_a_model_only_outgrown_keys_are_purged_anew(spark: SparkSession) -> None:
    rows = [(10, 0, 9), (11, 0, 8), (12, 0, 2), (20, 1, 4)]
    sizes = spark.createDataFrame(rows, "block_key long, slot int, record_count long")
    fitted = read_key_use(sizes, SLOTS)
    assert (fitted.purged.tolist(), fitted.overgrown) == ([10, 11, 20], 0)
    applied = read_key_use(sizes, SLOTS, frozen=fitted.purged[2:])
    assert (applied.purged.tolist(), applied.overgrown) == ([10, 20], 1)


def _compare_in_spark(
    store: Store, tonight: DataFrame, rows: DataFrame, model: MatchModel
) -> tuple[Changes, ChangedPairs]:
    before, changes = SparkInputs.compare(rows, tonight)
    held = Held(as_frame(store.spark, changes.rows), changes.count)
    return changes, score_changes(tonight.drop("input_hash"), before, held, model)


def _compare_on_driver(
    store: Store, tonight: DataFrame, rows: DataFrame, model: MatchModel
) -> tuple[Changes, ChangedPairs]:
    store.overwrite(catalog.RECORDS, tonight)
    before, changes = LocalInputs.compare(rows.toArrow(), tonight.select("record_key", "input_hash").toArrow())
    return changes, score_changes_on_driver(store, before, changes.rows, model)


@pytest.mark.parametrize(
    ("seed", "compare", "most_pairs"),
    [(3, _compare_in_spark, 0), (4, _compare_on_driver, 1_000), (5, _compare_on_driver, 0)],
)
def test_changed_pairs_and_those_that_stay_are_all_pairs(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    compare: Callable[[Store, DataFrame, DataFrame, MatchModel], tuple[Changes, ChangedPairs]],
    most_pairs: int,
) -> None:
    monkeypatch.setattr(on_driver, "MAX_PAIRS", most_pairs)  # above, Spark compares
    world = World(Random(seed), has_visitors=False)
    world.grow(60)
    yesterday = with_input_hash(world.people(spark), NIGHTS_MATCH)
    model = model_of(yesterday)
    last = score_pairs(yesterday, NIGHTS_MATCH, model=model)
    were = set(world.rows)
    packed = packed_keys_expr(len(slots_of(NIGHTS_MATCH)))
    rows = last.keyed.select("record_key", "input_hash", packed).localCheckpoint()
    for _ in range(2):
        world.pass_a_night()
    tonight = with_input_hash(world.people(spark), NIGHTS_MATCH)
    changes, changed = compare(Store(spark, str(tmp_path)), tonight, rows, model)
    assert (changes.records, changes.gone) == (len(world.rows), len(were - set(world.rows)))
    stale = {row["record_key"] for row in _rows(spark, changed.stale)}
    assert len(stale) == changed.stale_count
    stay = [row for row in map(tuple, last.pair_scores.collect()) if not stale & {row[0], row[1]}]
    fresh = [tuple(row.values()) for row in _rows(spark, changed.pair_scores)]
    everything = score_pairs(tonight, NIGHTS_MATCH, model=model)
    assert stay, seed
    assert sorted(stay + fresh) == sorted(map(tuple, everything.pair_scores.collect())), seed
    for scored in (last, everything):
        scored.release()
