"""Records to scored pairs, on real Spark."""

import math
from collections.abc import Sequence
from unittest.mock import Mock

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, DeterministicRule, EntityMatch
from cdp_spark.resolution.choose import choose_rules
from cdp_spark.resolution.frames import read_feature_sample
from cdp_spark.resolution.kernel import compare_pairs
from cdp_spark.resolution.model import model_from_json
from cdp_spark.resolution.scored import score_pairs

SCHEMA = "record_key string, given_name string, family_name string, email string, city string"
PEOPLE = [
    ("a1", "Anna", "Lee", "anna@x.org", "York"),
    ("a2", "Ann", "Lee", "anna@x.org", "York"),
    ("b1", "Bob", "Ray", "bob@y.org", "Leeds"),
    ("b2", "Robert", "Ray", None, "Leeds"),
    ("c1", "Cid", "Fox", "cid@z.org", "Hull"),
    ("d1", None, None, None, None),
]


def _rule(name: str, *columns: str, **settings: object) -> BlockingRule:
    return BlockingRule.model_validate(
        {"name": name, "keys": tuple(BlockingKey(column=column) for column in columns), **settings}
    )


def _match(**settings: object) -> EntityMatch:
    return EntityMatch.model_validate(
        {
            "blocking": (_rule("email", "email"), _rule("family_city", "family_name", "city")),
            "comparisons": (
                Comparison(name="given_name", method="name", columns=("given_name", "family_name")),
                Comparison(name="email", method="email", columns=("email",)),
            ),
            **settings,
        }
    )


def _people(spark: SparkSession, rows: Sequence[tuple[str | None, ...]] | None = None) -> DataFrame:
    return spark.createDataFrame(list(rows if rows is not None else PEOPLE), SCHEMA)


def test_each_pair_once_with_all_its_rules(spark: SparkSession) -> None:
    scored = score_pairs(_people(spark), _match())
    found = scored.pair_scores.select("record_key_l", "record_key_r", "rule_mask", "levels", "deterministic")
    expected = spark.createDataFrame(
        [("a1", "a2", 0b11, "66", False), ("b1", "b2", 0b10, "60", False)],
        "record_key_l string, record_key_r string, rule_mask long, levels string, deterministic boolean",
    )
    assert_df_equality(found, expected, ignore_row_order=True, ignore_nullable=True, transforms=[])


def test_a_sample_that_was_read_to_choose_rules_serves_the_fit(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = Mock(wraps=compare_pairs)
    monkeypatch.setattr("cdp_spark.resolution.learning.sample.compare_pairs", compared)
    match = _match()
    sample = read_feature_sample(_people(spark), match)
    assert choose_rules(sample, match, record_count=len(PEOPLE))
    scored = score_pairs(_people(spark), match, sample=sample)
    assert compared.call_count == 1
    assert scored.model.to_json() == score_pairs(_people(spark), match).model.to_json()
    other = match.model_copy(update={"comparisons": match.comparisons[:1]})
    score_pairs(_people(spark), other, sample=sample)
    assert compared.call_count == 3, "its own, and other comparisons, are compared anew"


@pytest.mark.parametrize("partitions", [1, 3])
def test_row_order_and_partitions_do_not_matter(spark: SparkSession, partitions: int) -> None:
    first = score_pairs(_people(spark), _match())
    shuffled = _people(spark, PEOPLE[::-1]).repartition(partitions, F.rand(3))
    again = score_pairs(shuffled, _match())
    assert again.model.to_json() == first.model.to_json()
    assert_df_equality(again.pair_scores, first.pair_scores, ignore_row_order=True, transforms=[])


def test_a_saved_model_gives_the_same_scores(spark: SparkSession) -> None:
    fitted = score_pairs(_people(spark), _match())
    applied = score_pairs(_people(spark), _match(), model=model_from_json(fitted.model.to_json()))
    assert_df_equality(applied.pair_scores, fitted.pair_scores, ignore_row_order=True, transforms=[])


def test_a_deterministic_rule_finds_and_marks_its_own_pairs(spark: SparkSession) -> None:
    rules = (DeterministicRule(name="same_email", columns=("email",)),)
    scored = score_pairs(_people(spark), _match(blocking=(_rule("city", "city"),), deterministic=rules))
    marked = {(row[0], row[1]): row["deterministic"] for row in scored.pair_scores.collect()}
    assert marked == {("a1", "a2"): True, ("b1", "b2"): False}


def test_a_block_above_the_limit_is_purged_and_counted(spark: SparkSession) -> None:
    shared = [(f"r{i}", f"name{i}", f"family{i}", "office@x.org", f"city{i}") for i in range(6)]
    scored = score_pairs(_people(spark, shared), _match(max_block_records=5))
    assert scored.pair_scores.count() == 0
    assert scored.metrics["blocks.purged"] == 1
    assert scored.metrics["rule.email.purged"] == 1


def test_a_block_of_100_000_records_costs_no_pairs(spark: SparkSession) -> None:
    mailbox = F.concat(F.greatest(F.col("id"), F.lit(1)), F.lit("@x.org")).alias("email")
    name = F.concat(F.lit("name"), F.col("id")).alias("given_name")
    key = F.concat(F.lit("r"), F.col("id")).alias("record_key")
    crowd = spark.range(100_000).select(
        key, name, F.lit("Lee").alias("family_name"), mailbox, F.lit("Ur").alias("city")
    )
    scored = score_pairs(crowd, _match())
    assert [(row[0], row[1]) for row in scored.pair_scores.collect()] == [("r0", "r1")]
    assert scored.metrics["rule.family_city.purged"] == 1


def test_a_block_above_the_limit_is_split_where_a_further_key_is_named(spark: SparkSession) -> None:
    rows = [(f"r{i}", "x", "y", "office@x.org", "york" if i < 2 else f"city{i}") for i in range(6)]
    split = _rule("email", "email", split_by=BlockingKey(column="city"))
    scored = score_pairs(_people(spark, rows), _match(blocking=(split,), max_block_records=5))
    assert [(row[0], row[1]) for row in scored.pair_scores.collect()] == [("r0", "r1")]
    figures = [scored.metrics[f"rule.email.{name}"] for name in ("pairs", "split", "purged")]
    assert figures == [1, 1, 0]


def test_tokens_match_in_any_order(spark: SparkSession) -> None:
    rows = [
        ("r1", "x", "Acme Trading", None, None),
        ("r2", "y", "Trading Acme", None, None),
        ("r3", "z", "Bolt", None, None),
    ]
    tokens = BlockingRule(name="words", keys=(BlockingKey(column="family_name", transform="tokens"),))
    scored = score_pairs(_people(spark, rows), _match(blocking=(tokens,)))
    assert [(row[0], row[1]) for row in scored.pair_scores.collect()] == [("r1", "r2")]


def test_minhash_finds_texts_with_most_pieces_in_common(spark: SparkSession) -> None:
    rows = [
        ("r1", "x", "International Trading Company York", None, None),
        ("r2", "y", "Intrenational Trading Company of York", None, None),
        ("r3", "z", "Bolt and Sons", None, None),
        ("r4", "z", "Al", None, None),
        ("r5", "z", "Al", None, None),
    ]
    alike = BlockingRule(name="alike", keys=(BlockingKey(column="family_name", transform="minhash"),))
    scored = score_pairs(_people(spark, rows), _match(blocking=(alike,)))
    assert [(row[0], row[1]) for row in scored.pair_scores.collect()] == [("r1", "r2")]


@pytest.mark.parametrize(
    ("rows", "pairs"),
    [
        ([], 0),
        (PEOPLE[:1], 0),
        ([(f"r{i}", "Ann", "Lee", "ann@x.org", "York") for i in range(4)], 6),
        ([(f"r{i}", "Ann", None, "ann@x.org", "York") for i in range(2)], 1),
    ],
    ids=["no record", "one record", "all identical", "an empty column"],
)
def test_odd_inputs_have_a_clear_outcome(
    spark: SparkSession, rows: Sequence[tuple[str | None, ...]], pairs: int
) -> None:
    scored = score_pairs(_people(spark, rows), _match())
    weights = [row["weight_log2"] for row in scored.pair_scores.collect()]
    assert len(weights) == pairs
    assert not any(map(math.isnan, weights)), "a weight is not a number"
