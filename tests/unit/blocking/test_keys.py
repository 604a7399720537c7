"""A record's blocking keys."""

from pyspark.sql import SparkSession

from cdp_spark.blocking.keys import part_expr, with_block_keys
from cdp_spark.blocking.slots import build_slots
from cdp_spark.config.match import BlockingKey, BlockingRule
from cdp_spark.keys import NO_KEY

WORDS = BlockingKey(column="x", transform="tokens")


def test_words_are_the_longest_first_whatever_their_order(spark: SparkSession) -> None:
    texts = ["of the acme trading company", "company of the trading acme", None]
    df = spark.createDataFrame([(text,) for text in texts], "x string")
    rows = df.select(*(part_expr(WORDS, token).alias(f"w{token}") for token in range(6))).collect()
    assert tuple(rows[0]) == ("company", "trading", "acme", "the", "of", None)
    assert rows[0] == rows[1]
    assert tuple(rows[2]) == (None,) * 6


def test_a_second_phone_leads_to_a_pair(spark: SparkSession) -> None:
    rule = BlockingRule(name="phones", keys=(WORDS,))
    df = spark.createDataFrame([("4915111\n4930222",), ("4930222",), ("4940333",)], "x string")
    keyed = with_block_keys(df, build_slots((rule,), max_block_records=10)).collect()
    first, second, third = ({key for key in row["block_keys"] if key != NO_KEY} for row in keyed)
    assert len(first & second) == 1
    assert not first & third
