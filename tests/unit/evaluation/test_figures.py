"""Figures of clusters beside a brute-force oracle."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cdp_spark.errors import ConfigError, DataError
from cdp_spark.evaluation.figures import CLUSTER, ENTITY, Share, measure_clusters
from cdp_spark.evaluation.truth import GroupFile, judge_file, judge_records, read_groups

SCHEMA = "record_id string, entity_id string, cluster_id string"
JUDGED = [
    ("r1", "A", "x"),
    ("r2", "A", "x"),
    ("r3", "A", "y"),
    ("r4", "B", "x"),
    ("r5", "B", None),
    ("r6", "B", None),
    ("r7", "C", "z"),
    ("r8", None, "z"),
]


def oracle(rows: list[tuple[str, str | None, str | None]]) -> tuple[Share, Share]:
    """Pairwise and B-cubed figures by making every pair; a record without a cluster is one of its own."""
    known = {record: (entity, cluster or f"lone {record}") for record, entity, cluster in rows if entity}
    true, found = (
        {pair for pair in combinations(sorted(known), 2) if known[pair[0]][side] == known[pair[1]][side]}
        for side in (0, 1)
    )
    b_cubed = []
    for side in (1, 0):
        shares = []
        for own in known.values():
            group = [other for other in known.values() if other[side] == own[side]]
            shares.append(sum(other == own for other in group) / len(group))
        b_cubed.append(sum(shares) / len(shares))
    return Share(len(true & found) / len(found), len(true & found) / len(true)), Share(*b_cubed)


def test_figures_equal_the_oracle(spark: SparkSession) -> None:
    figures = measure_clusters(spark.createDataFrame(JUDGED, SCHEMA))
    pairwise, b_cubed = oracle(JUDGED)
    assert (figures.pairwise.precision, figures.pairwise.recall) == pytest.approx((pairwise.precision, pairwise.recall))
    assert (figures.b_cubed.precision, figures.b_cubed.recall) == pytest.approx((b_cubed.precision, b_cubed.recall))
    assert (figures.records, figures.missing, figures.entities, figures.clusters) == (7, 2, 3, 5)
    assert (figures.true_pairs, figures.found_pairs, figures.correct_pairs) == (6, 3, 1)
    assert (figures.largest_cluster, figures.largest_entity) == (3, 3)


def test_nothing_judged_is_no_mistake(spark: SparkSession) -> None:
    figures = measure_clusters(spark.createDataFrame([], SCHEMA))
    assert (figures.records, figures.pairwise, figures.b_cubed) == (0, Share(1.0, 1.0), Share(1.0, 1.0))
    assert Share(0.0, 0.0).f1 == 0.0


def test_two_files_are_compared_by_source_where_both_name_it(spark: SparkSession, tmp_path: Path) -> None:
    clusters, truth = tmp_path / "out.csv", tmp_path / "truth.csv"
    clusters.write_text("source,record_id,cluster_id\ncrm,1,x\nweb,1,x\ncrm,2,y\n")
    truth.write_text("source,id,who\ncrm,1,A\nweb,1,A\nweb,9,\n")
    found = read_groups(spark, GroupFile(str(clusters), "cluster_id"), as_name=CLUSTER)
    groups = read_groups(spark, GroupFile(str(truth), "who", "id"), as_name=ENTITY)
    assert sorted(map(tuple, judge_file(found, groups).collect())) == [("1", "A", "x"), ("1", "A", "x")]
    truth.write_text("id,who\n1,A\n2,A\n")
    groups = read_groups(spark, GroupFile(str(truth), "who", "id"), as_name=ENTITY)
    with pytest.raises(DataError, match="1 ids that stand on more than one row"):
        judge_file(found, groups)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("truth.txt", "", "suffix '.txt'"),
        ("nowhere.csv", None, "nothing there"),
        ("truth.csv", "id,person\n1,A\n", "no column entity_id; allowed: id, person"),
        ("twice.csv", "id,entity_id\n1,A\n1,B\n", "1 ids that stand on more than one row"),
    ],
)
def test_a_bad_truth_is_refused_in_words(
    spark: SparkSession, tmp_path: Path, name: str, text: str | None, told: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises((ConfigError, DataError), match=told):
        read_groups(spark, GroupFile(str(path), "entity_id", "id"), as_name=ENTITY)


def test_a_truth_names_records_by_source_and_id_or_by_key(spark: SparkSession) -> None:
    names = "record_key string, source string, source_record_id string"
    records = spark.createDataFrame([("k1", "crm", "1"), ("k2", "web", "1"), ("k3", "web", "2")], names)
    clusters = spark.createDataFrame([("k1", "k1"), ("k2", "k1")], "record_key string, cluster string")
    schema = "source string, record_id string, entity_id string"
    truth = spark.createDataFrame([("crm", "1", "A"), ("web", "2", "A"), ("web", "9", "B"), (None, "k2", "A")], schema)
    assert sorted(map(tuple, judge_records(records, clusters, truth).collect()), key=str) == [
        ("k1", "A", "k1"),
        ("k2", "A", "k1"),
        ("k3", "A", None),
        ('{"source":"web","record_id":"9"}', "B", None),
    ]
    with pytest.raises(DataError, match="1 ids that stand in several sources"):
        judge_records(records, clusters, spark.createDataFrame([(None, "1", "A")], schema))
    with pytest.raises(DataError, match="no record of the warehouse"):
        judge_records(records, clusters, spark.createDataFrame([(None, "8", "A")], schema))
