"""Compared pairs beside a truth."""

from __future__ import annotations

from chispa import assert_df_equality
from pyspark.sql import SparkSession

from cdp_spark.evaluation.figures import Share
from cdp_spark.evaluation.mistakes.find import build_uncompared_pairs
from cdp_spark.evaluation.pairs import Threshold, build_judged_pairs, measure_pairs

# truth: {a b c d} {e f} {g}; clusters: {a b} {c e} {d} {f g}
JUDGED = [("a", "A", "1"), ("b", "A", "1"), ("c", "A", "2"), ("d", "A", None), ("e", "B", "2"), ("f", "B", "4")]
SCORES = [
    ("a", "b", 9.5, False),
    ("a", "c", 3.0, False),
    ("a", "d", -2.5, False),
    ("c", "e", 4.0, True),
    ("e", "f", 5.0, False),
    ("f", "unknown", 7.0, False),
]
PAIR = "record_key_l string, record_key_r string"


def test_pairs_are_counted_by_weight_evidence_and_truth(spark: SparkSession) -> None:
    judged = spark.createDataFrame([*JUDGED, ("g", "C", "4")], "record_id string, entity_id string, cluster_id string")
    scores = spark.createDataFrame(SCORES, f"{PAIR}, weight_log2 double, deterministic boolean")
    pairs = build_judged_pairs(scores, judged)
    expected = spark.createDataFrame(
        [
            ("a", "b", 9.5, False, True, True),
            ("a", "c", 3.0, False, True, False),
            ("a", "d", -2.5, False, True, False),
            ("c", "e", 4.0, True, False, True),
            ("e", "f", 5.0, False, True, False),
        ],
        f"{PAIR}, weight_log2 double, deterministic boolean, is_true boolean, together boolean",
    )
    assert_df_equality(pairs, expected, ignore_row_order=True, ignore_nullable=True, transforms=[])
    figures = measure_pairs(pairs, threshold_log2=0.0, true_pairs=7, found_pairs=3, correct_pairs=1)
    assert (figures.compared, figures.compared_true) == (5, 4)
    assert figures.missed == {
        "deterministic rule": 0,
        "above threshold": 2,
        "below threshold": 1,
        "not compared": 3,
    }
    assert figures.false == {"deterministic rule": 1, "above threshold": 0, "below threshold": 0, "not compared": 1}
    sweep = {it.bits: it for it in figures.sweep}
    assert sweep[30] == Threshold(30, 1, Share(0.0, 0.0))
    assert sweep[9] == Threshold(9, 2, Share(1 / 2, 1 / 7))
    assert sweep[5] == Threshold(5, 3, Share(2 / 3, 2 / 7))
    assert sweep[4].pairs == 3
    assert sweep[-3] == Threshold(-3, 5, Share(4 / 5, 4 / 7))
    unseen = build_uncompared_pairs(judged, scores)
    assert_df_equality(unseen, spark.createDataFrame([("c", "d")], PAIR), ignore_nullable=True, transforms=[])
