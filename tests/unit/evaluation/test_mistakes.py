"""The worst mistakes, and what is said of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from chispa import assert_df_equality
from pyspark.sql import Row, SparkSession
from tests.unit.matched_shop import record_of

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, DeterministicRule, EntityMatch
from cdp_spark.evaluation.mistakes.find import build_worst_pairs
from cdp_spark.evaluation.mistakes.tell import Around, read_around, tell_compared, weigh_uncompared
from cdp_spark.evaluation.mistakes.words import Decided, Mistake, Part, parts_against, why_false, why_missed
from cdp_spark.explain.chain import Link
from cdp_spark.resolution.learning.parameters import Parameters
from cdp_spark.resolution.model import MatchModel
from cdp_spark.tables.catalog import CLUSTERS, IDENTIFIERS, PAIR_SCORES, RECORDS
from cdp_spark.tables.store import Store

PAIR = "record_key_l string, record_key_r string"
MODEL = MatchModel(
    match=EntityMatch(
        blocking=(BlockingRule(name="city", keys=(BlockingKey(column="city"),)),),
        comparisons=tuple(
            Comparison(name=name, method="exact", columns=(name,), term_frequency=False)
            for name in ("email", "city", "given_name")
        ),
        deterministic=(DeterministicRule(name="same_email", columns=("email",)),),
    ),
    rule_names=("city", "same_email"),
    forced=np.zeros((2, 3), dtype=bool),
    parameters=Parameters(
        prior=np.array([0.5, 0.5]),
        m=(np.array([1.0, 0.125, 0.5]), np.array([1.0, 0.25, 0.5]), np.array([1.0, 0.0625, 0.5])),
        u=(np.array([1.0, 0.5, 0.03125]), np.array([1.0, 0.5, 0.25]), np.array([1.0, 0.5, 0.125])),
        log_likelihood=-1.0,
        iterations=1,
        converged=True,
    ),
    frequencies={},
    purged_keys=(),
)
"""No prior; e-mails −2 or +4 bits, cities −1 or +1, given names −3 or +2."""


def test_the_worst_pairs_of_each_kind_with_what_is_known_of_them(spark: SparkSession) -> None:
    judged = [
        ("a", "b", 9.5, False, True, True),
        ("a", "c", 3.0, False, True, False),
        ("a", "d", -2.5, False, True, False),
        ("a", "f", -3.0, False, True, False),
        ("b", "f", -9.0, False, False, False),
        ("c", "e", 4.0, True, False, True),
        ("e", "f", 5.0, False, True, False),
    ]
    columns = f"{PAIR}, weight_log2 double, deterministic boolean, is_true boolean, together boolean"
    scores = [(left, right, 1, ordinal, f"{ordinal}1") for ordinal, (left, right, *_) in enumerate(judged)]
    worst = build_worst_pairs(
        spark.createDataFrame(judged, columns),
        spark.createDataFrame(scores, f"{PAIR}, model_version int, rule_mask long, levels string"),
        spark.createDataFrame([("a", "c", "average_linkage"), ("a", "b", "unique_value")], f"{PAIR}, reason string"),
        spark.createDataFrame([("c", "e", "must_link")], f"{PAIR}, label string"),
        threshold_log2=0.0,
        limit=3,
    )
    told = "is_true boolean, place int, evidence string, model_version int, rule_mask long, levels string"
    expected = spark.createDataFrame(
        [
            ("c", "e", 4.0, False, 1, "deterministic rule", 1, 5, "51", None, "must_link"),
            ("e", "f", 5.0, True, 1, "above threshold", 1, 6, "61", None, None),
            ("a", "c", 3.0, True, 2, "above threshold", 1, 1, "11", "average_linkage", None),
            ("a", "d", -2.5, True, 3, "below threshold", 1, 2, "21", None, None),
        ],
        f"{PAIR}, weight_log2 double, {told}, reason string, label string",
    )
    assert_df_equality(worst, expected, ignore_row_order=True, ignore_nullable=True, transforms=[])


def worst_row(pair: str, weight_log2: float, levels: str, **known: Any) -> Row:
    """A row of `build_worst_pairs`: a missed pair below the threshold, unless something else is known."""
    names = {"record_key_l": pair[0], "record_key_r": pair[1], "weight_log2": weight_log2, "levels": levels}
    usual = {"is_true": True, "place": 1, "evidence": "below threshold", "model_version": 1, "rule_mask": 1}
    return Row(**{**names, **usual, "reason": None, "label": None, **known})


def test_each_mistake_is_told_with_the_comparisons_that_decided_it() -> None:
    worst = [
        worst_row("ad", -4.0, "110"),
        worst_row("bd", 1.0, "021", place=2, evidence="above threshold", reason="unique_value"),
        worst_row("ab", 7.0, "222", is_true=False, evidence="above threshold"),
        worst_row("ac", 5.0, "220", is_true=False, place=2, evidence="deterministic rule", rule_mask=3),
        worst_row("bc", -2.0, "020", is_true=False, place=3, model_version=2),
        worst_row("ce", -3.0, "120", is_true=False, place=4),
    ]
    chain = (Link("c", "d", 5.0), Link("d", "e", 2.5))
    around = Around({("b", "c"): ("user_id",)}, {("c", "e"): chain})
    email, city, name = (
        Part("email", "equal", 4.0),
        Part("city", "equal", 1.0),
        Part("given_name", "equal", 2.0),
    )
    assert tell_compared(worst, {1: MODEL}, around, threshold_log2=2.0) == (
        Mistake("false merge", "a", "b", 7.0, "joined directly, 5.0 bits above the threshold", (email, name, city)),
        Mistake("false merge", "a", "c", 5.0, "joined directly, by the deterministic rule same_email", (email, city)),
        Mistake("false merge", "b", "c", -2.0, "joined directly, by the user_id that they share"),
        Mistake(
            *("false merge", "c", "e", -3.0),
            "5.0 bits below the threshold, but joined through 1 other record, the weakest link +2.5 bits",
            (city,),
            ("c", "d", "e"),
        ),
        Mistake(
            *("missed", "a", "d", -4.0, "6.0 bits below the threshold"),
            (
                Part("email", "different", -2.0),
                Part("city", "different", -1.0),
                Part("given_name", "missing", 0.0),
            ),
        ),
        Mistake(
            *("missed", "b", "d", 1.0),
            "cut: their clusters hold two values of a column that is unique for each",
            (Part("given_name", "different", -3.0), Part("email", "missing", 0.0)),
        ),
    )


def test_labels_rules_and_large_clusters_have_their_words() -> None:
    above, below, certain = (Decided(1.5, it) for it in ("above threshold", "below threshold", "deterministic rule"))
    linked = Decided(1.5, "above threshold", label="must_link")
    sure = [Link("a", "b"), Link("b", "c"), Link("c", "d")]
    assert [
        why_false(linked, (), threshold_log2=0.0),
        why_false(certain, (), threshold_log2=0.0),
        why_false(below, (), threshold_log2=2.0),
        why_false(below, sure, threshold_log2=2.0),
        why_missed(linked, threshold_log2=0.0),
        why_missed(certain, threshold_log2=0.0),
        why_missed(above, threshold_log2=0.0),
    ] == [
        "joined directly, by a must-link",
        "joined directly, by the deterministic rule",
        "0.5 bits below the threshold, but other records join them",
        "0.5 bits below the threshold, but joined through 2 other records, each link certain",
        "apart for now: a must-link joins them in the next run",
        "although the deterministic rule joins them: a cannot-link or a limit does not let it",
        "above the threshold: the clusters are older than the scores, or a label",
    ]
    assert parts_against([Part("city", "equal", 1.0), Part("email", "different", -0.01)]) == ()


def test_pairs_that_were_never_compared_are_told_with_what_they_share(spark: SparkSession) -> None:
    rows = [("a", "a@x.org", "Bonn", None), ("b", "a@x.org", "Köln", None), ("c", None, "Bonn", "Ann")]
    columns = "record_key string, email string, city string, given_name string, attributes map<string, string>"
    records = spark.createDataFrame([(*row, {}) for row in rows], columns)
    pairs = spark.createDataFrame([("a", "c"), ("b", "c")], PAIR)
    shares = "although they share a key of city now: it is new, or its block was too large"
    assert weigh_uncompared(records, pairs, MODEL, limit=5) == (
        Mistake(
            *("missed", "a", "c", 1.0, f"never compared: {shares}"),
            (Part("city", "equal", 1.0),),
        ),
        Mistake("missed", "b", "c", -1.0, "never compared: no blocking rule finds them"),
    )
    assert weigh_uncompared(records, pairs.limit(0), MODEL, limit=5) == ()


def test_what_joins_a_false_merge_besides_its_weight(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    records = [tuple(record_of(key, "crm", key).values()) for key in "abcd"]
    store.overwrite(RECORDS, RECORDS.table(records))
    clusters = [{"record_key": key, "cluster": "1", "component": "1", "entity_type": "person"} for key in "abcd"]
    rows = [tuple(row.get(name) for name in CLUSTERS.schema.names) for row in clusters]
    store.overwrite(CLUSTERS, CLUSTERS.table(rows))
    weights = {("a", "b"): 5.0, ("b", "c"): 4.0, ("a", "c"): -1.0, ("a", "d"): -2.0}
    scores = [(*pair, 1, 1, "person", 1, "000", weight, False) for pair, weight in weights.items()]
    store.overwrite(PAIR_SCORES, PAIR_SCORES.table(scores))
    held = [(key, "person", "user_id", "7", "7", True, None, None) for key in "ad"]
    store.overwrite(IDENTIFIERS, IDENTIFIERS.table(held))
    worst = [worst_row(pair, -1.0, "000", is_true=False) for pair in ("ac", "ad")]
    assert read_around(store, worst, linking=("user_id",)) == Around(
        identifiers={("a", "c"): (), ("a", "d"): ("user_id",)},
        chains={("a", "c"): (Link("a", "b", 5.0), Link("b", "c", 4.0))},
    )
    assert read_around(store, [worst_row("ad", 1.0, "000")], linking=("user_id",)) == Around()
