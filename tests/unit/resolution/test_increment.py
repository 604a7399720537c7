"""What changed since the previous run, which blocks that touches, and which pairs are compared anew."""

from dataclasses import dataclass
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.integration.increments.increment_nights import MATCH as NIGHTS_MATCH
from tests.integration.increments.increment_nights import World, model_of

from cdp_spark import limits
from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch
from cdp_spark.resolution.blocking.key_arrays import pack_keys
from cdp_spark.resolution.blocking.key_use import GROWTH
from cdp_spark.resolution.blocking.slots import Slot
from cdp_spark.resolution.frames import packed_keys_expr, read_key_use
from cdp_spark.resolution.increment.blocks import (
    Touched,
    count_holders,
    count_touched,
    find_changes,
    find_touched_keys,
    keys_of,
    pick_holders,
)
from cdp_spark.resolution.increment.frames import Changes, compare_inputs, score_changes, with_input_hash
from cdp_spark.resolution.linkage import slots_of
from cdp_spark.resolution.model import MatchModel
from cdp_spark.resolution.scored import score_pairs
from cdp_spark.tables import catalog
from cdp_spark.tables.rows import Rows, as_table
from cdp_spark.tables.store import Store

MATCH = EntityMatch(
    blocking=(BlockingRule(name="email", keys=(BlockingKey(column="email"),)),),
    comparisons=tuple(Comparison(name=name, method="exact", columns=(name,)) for name in ("given_name", "nickname")),
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


def test_changes_are_new_changed_and_gone_records() -> None:
    now = pa.table({"record_key": ["same", "new", "changed"], "input_hash": [1, 2, 3]})
    before = pa.table({"record_key": ["same", "gone", "changed"], "input_hash": [1, 2, 4]})
    expected = {"record_key": ["new", "changed", "gone"], "input_hash": [2, 3, None]}
    assert find_changes(now, before).to_pydict() == expected
    nobody = now.slice(0, 0)
    assert find_changes(nobody, nobody).num_rows == 0
    assert find_changes(nobody, before)["input_hash"].null_count == 3


PURGED = np.array([40])
BEFORE = {
    **{f"m{number}": (10, 40) for number in range(8)},
    **{f"f{number}": (0, 20) for number in range(9)},
    "g": (30, 0),
    "x": (50, 40),
}
"""Key 10 had eight records and now has nine; key 20 had nine and now has four; key 30 was of one that is gone."""
STALE = {*(f"f{number}" for number in range(3, 9)), "g", "n"}
NOW = {"n": (10, 20), "o": (60, 40)}
UNCHANGED = {key: keys for key, keys in BEFORE.items() if key not in STALE}


def _inputs(keys: dict[str, tuple[int, int]]) -> pa.Table:
    packed = pack_keys(np.array(list(keys.values()), dtype=np.int64).reshape(-1, 2))
    return pa.table({"record_key": list(keys), "input_hash": [7] * len(keys), "block_keys": packed})


def _touched(now: dict[str, tuple[int, int]], stale: set[str], *, parts: int = 1) -> Touched:
    """What the driver finds of all records at once, or Spark's tasks batch by batch."""
    were = _inputs({key: keys for key, keys in BEFORE.items() if key in stale})
    unchanged = _inputs({key: keys for key, keys in BEFORE.items() if key not in stale})
    keys = find_touched_keys(_inputs(now), were, SLOTS, PURGED)
    size = -(-unchanged.num_rows // parts)
    batches = [unchanged.slice(at, size) for at in range(0, unchanged.num_rows, size)]
    holders = pa.concat_tables([count_holders(it.combine_chunks(), keys, SLOTS) for it in batches])
    return count_touched(keys, holders, _inputs(now), were, SLOTS)


@pytest.mark.parametrize("parts", [1, 4])
def test_touched_keys_have_the_records_of_both_runs_counted(parts: int) -> None:
    found = _touched(NOW, STALE, parts=parts)
    columns = (found.keys, found.slot, found.was, found.count, found.fresh)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    assert rows == [(10, 0, 8, 9, 1), (20, 1, 9, 4, 1), (30, 0, 1, 0, 0), (60, 0, 0, 1, 1)]


def test_blocks_that_cross_four_times_their_limit_change_the_pairs_of_all_their_records() -> None:
    assert GROWTH == 4
    found = pick_holders(_inputs(UNCHANGED), _touched(NOW, STALE).resized, SLOTS)
    assert found["record_key"].to_pylist() == [*(f"m{i}" for i in range(8)), "f0", "f1", "f2"]
    assert keys_of(found, SLOTS)[0].tolist() == [10, 40]


def test_partners_share_a_live_key_with_a_changed_record() -> None:
    found = _touched(NOW, STALE)
    assert pick_holders(_inputs(UNCHANGED), found.leading, SLOTS)["record_key"].to_pylist() == ["f0", "f1", "f2"]
    assert found.pair_bound == 4  # of key 20: one that changed, and four in all; key 10 has outgrown its limit


def test_keys_by_which_changed_records_meet_others_are_judged() -> None:
    use = _touched(NOW, STALE).key_use(PURGED)
    assert (use.purged.tolist(), use.pairs.tolist(), use.overgrown) == ([10, 40], [0, 6], 1)
    assert use.may_lead(np.array([20])).all()


def test_nothing_is_touched_where_nothing_changed() -> None:
    found = _touched({}, set())
    assert (len(found.keys), len(found.resized), len(found.leading), found.pair_bound) == (0, 0, 0, 0)
    assert pick_holders(_inputs(BEFORE), found.resized, SLOTS).num_rows == 0


def test_under_a_model_only_outgrown_keys_are_purged_anew(spark: SparkSession) -> None:
    rows = [(10, 0, 9), (11, 0, 8), (12, 0, 2), (20, 1, 4)]
    sizes = spark.createDataFrame(rows, "block_key long, slot int, record_count long")
    fitted = read_key_use(sizes, SLOTS)
    assert (fitted.purged.tolist(), fitted.overgrown) == ([10, 11, 20], 0)
    applied = read_key_use(sizes, SLOTS, frozen=fitted.purged[2:])
    assert (applied.purged.tolist(), applied.overgrown) == ([10, 20], 1)


@dataclass(frozen=True)
class Passed:
    """Two nights of a small world.

    Args:
        store: with the records as they are now.
        model: that scored all pairs.
        previous: `match_inputs` before.
        now: record_key and input_hash of the records now.
        pairs_before: all pairs before.
        pairs_now: all pairs now.
    """

    store: Store
    model: MatchModel
    previous: pa.Table
    now: pa.Table
    pairs_before: list[tuple[object, ...]]
    pairs_now: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def passed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Passed:
    world = World(Random(4), has_visitors=False)
    world.grow(60)
    before = with_input_hash(world.people(spark), NIGHTS_MATCH)
    model = model_of(before)
    last = score_pairs(before, NIGHTS_MATCH, model=model)
    packed = packed_keys_expr(len(slots_of(NIGHTS_MATCH)))
    previous = last.keyed.select("record_key", "input_hash", packed).toArrow()
    for _ in range(2):
        world.pass_a_night()
    store = Store(spark, str(tmp_path_factory.mktemp("changes")))
    store.overwrite(catalog.RECORDS, world.people(spark))
    now = with_input_hash(store.read(catalog.RECORDS), NIGHTS_MATCH)
    scores = (last.pair_scores, score_pairs(now, NIGHTS_MATCH, model=model).pair_scores)
    pairs = [[tuple(row) for row in it.collect()] for it in scores]
    return Passed(store, model, previous, now.select("record_key", "input_hash").toArrow(), *pairs)


@pytest.mark.parametrize(
    "small",
    [
        pytest.param({}, id="all on the driver"),
        pytest.param({"PAIRS_COMPARED": 0}, id="Spark compares"),
        pytest.param({"RECORDS_FETCHED": 0, "SHARED_KEYS": 5}, id="all in tasks"),
    ],
)
def test_changed_pairs_and_those_that_stay_are_all_pairs(
    monkeypatch: pytest.MonkeyPatch, passed: Passed, small: dict[str, int]
) -> None:
    for name, size in small.items():
        monkeypatch.setattr(limits, name, size)
    previous: Rows = passed.previous
    now: Rows = passed.now
    if "RECORDS_FETCHED" in small:
        previous, now = (passed.store.spark.createDataFrame(rows) for rows in (previous, now))
    changes = Changes(previous, compare_inputs(now, previous), passed.now.num_rows, 0)
    gone = set(passed.previous["record_key"].to_pylist()) - set(passed.now["record_key"].to_pylist())
    assert changes.rows["input_hash"].null_count == len(gone) > 0
    changed = score_changes(passed.store, changes, passed.model)
    stale = set(changed.stale["record_key"].to_pylist())
    assert len(stale) == changed.stale.num_rows
    stay = [row for row in passed.pairs_before if not stale & {row[0], row[1]}]
    fresh = [tuple(row.values()) for row in as_table(changed.pair_scores).to_pylist()]
    assert stay
    assert sorted(stay + fresh) == sorted(passed.pairs_now)
