"""Which components a night's changes can alter."""

import pyarrow as pa
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.clustering.increment import (
    build_affected,
    build_changed_values,
    build_reclustered,
    with_labelled,
    within,
)
from cdp_spark.clustering.on_driver.affected import find_affected, find_changed_values, find_reclustered

PAIR = "record_key_l string, record_key_r string"


def _records(spark: SparkSession, *keys: str) -> DataFrame:
    return spark.createDataFrame([(key,) for key in keys], "record_key string")


def _pairs(spark: SparkSession, *pairs: str) -> DataFrame:
    return spark.createDataFrame([tuple(pair.split()) for pair in pairs], PAIR)


def test_all_records_with_a_label_are_looked_at(spark: SparkSession) -> None:
    found = with_labelled(_records(spark, "a", "k"), _pairs(spark, "k l"))
    assert_df_equality(found, _records(spark, "a", "k", "l"), ignore_row_order=True, transforms=[])


def test_affected_are_whole_components_and_new_records(spark: SparkSession) -> None:
    rows = [("a", "a", "a"), ("b", "a", "b"), ("c", "c", "c"), ("d", "c", "c"), ("e", "e", "e"), ("gone", "e", "e")]
    last_clusters = spark.createDataFrame(rows, "record_key string, component string, cluster string")
    affected = build_affected(_records(spark, "b", "gone", "new"), last_clusters)
    found = [("a", "a"), ("b", "b"), ("e", "e"), ("gone", "e"), ("new", None)]
    expected = spark.createDataFrame(found, "record_key string, last_cluster string")
    assert_df_equality(affected, expected, ignore_row_order=True, transforms=[])
    on_driver = find_affected(pa.array(["b", "gone", "new"]), last_clusters.toArrow())
    assert sorted(map(tuple, zip(*on_driver.to_pydict().values(), strict=True))) == found
    nobody = find_affected(pa.array([], pa.string()), last_clusters.toArrow())
    assert (nobody.num_rows, nobody.column_names) == (0, ["record_key", "last_cluster"])


def test_reclustered_are_the_records_of_clusters_with_other_members(spark: SparkSession) -> None:
    nights = {
        "stay": ("stay", "stay"),
        "stay2": ("stay", "stay"),
        "lost": ("lost", "lost"),
        "lost2": ("lost2", "lost"),
        "merged": ("merged", "merged"),
        "merged2": ("merged", "merged2"),
        "merged3": ("merged", "merged2"),
        "old": ("old", "old"),
        "new": ("old", None),
        "left": (None, "left"),
        "renamed": ("renamed", "left"),
        "alone": ("alone", None),
    }
    now = [(key, cluster) for key, (cluster, _) in nights.items() if cluster]
    before = [(key, last) for key, (_, last) in nights.items()]
    frames = (
        spark.createDataFrame(now, "record_key string, cluster string"),
        spark.createDataFrame(before, "record_key string, last_cluster string"),
    )
    expected = [key for key in nights if "stay" not in key]
    assert_df_equality(build_reclustered(*frames), _records(spark, *expected), ignore_row_order=True, transforms=[])
    on_driver = find_reclustered(*(frame.toArrow() for frame in frames))
    assert on_driver.to_pydict() == {"record_key": expected}


def test_a_value_that_one_record_gains_or_loses_touches_all_its_holders(spark: SparkSession) -> None:
    schema = "record_key string, type string, value_hash string, usable boolean"
    before = [("a", "card", "1", True), ("b", "card", "1", True), ("c", "card", "2", True), ("d", "email", "x", True)]
    now = [("a", "card", "1", True), ("b", "card", "1", False), ("c", "card", "2", True), ("d", "email", "y", True)]
    frames = [spark.createDataFrame(rows, schema) for rows in (now, before)]
    changed = build_changed_values(frames[0], frames[1], ["card"])
    assert_df_equality(changed, _records(spark, "a", "b"), ignore_row_order=True, transforms=[])
    tables = [rows.where("usable AND type = 'card'").drop("usable").toArrow() for rows in frames]
    assert sorted(find_changed_values(*tables).to_pylist()) == ["a", "b"]
    assert len(find_changed_values(tables[0], tables[0])) == 0


def test_pairs_within_records(spark: SparkSession) -> None:
    kept = within(_pairs(spark, "a b", "a c", "c d"), _records(spark, "a", "b", "c"))
    assert_df_equality(
        kept.select("record_key_l", "record_key_r"), _pairs(spark, "a b", "a c"), ignore_row_order=True, transforms=[]
    )
