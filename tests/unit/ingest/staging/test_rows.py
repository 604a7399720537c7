from __future__ import annotations

from hashlib import sha256

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.ingest.staging.contacts import contact_hash_expr, contact_type_expr
from cdp_spark.ingest.staging.rows import content_hash_expr, hash_key_expr


def test_content_hash_ignores_the_order_of_columns_and_nothing_else(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [
            (1, {"a": "1", "b": "23"}),
            (2, {"b": "23", "a": "1"}),
            (3, {"a": "12", "b": "3"}),
            (4, {"ab": "123"}),
            (5, {}),
        ],
        "n int, row map<string,string>",
    )

    hashes = {row["n"]: row["h"] for row in rows.select("n", content_hash_expr(F.col("row")).alias("h")).collect()}

    assert hashes[1] == hashes[2]
    assert len(set(hashes.values())) == 4


def test_a_hashed_key_keeps_its_parts_apart(spark: SparkSession) -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("a", None), (None, "a")]
    rows = spark.createDataFrame(pairs, "source string, source_record_id string")

    keys = {row[0] for row in rows.select(hash_key_expr(F.col("source"), F.col("source_record_id"))).collect()}

    expected = sha256(b'{"source":"a","source_record_id":"bc"}').hexdigest()[:32]
    assert expected in keys
    assert len(keys) == 4


def test_contact_points_are_normalised_before_they_are_hashed(spark: SparkSession) -> None:
    expected = {
        " A.B@X.com ": "a.b@x.com",
        "(650) 253-0000": "+16502530000",
        "+49 30 123456": "+4930123456",
        "a@b@c": None,
        "12": None,
        None: None,
    }
    contact = F.col("contact")
    contacts = spark.createDataFrame([(text,) for text in expected], "contact string")

    rows = contacts.select(contact, contact_hash_expr(contact, contact_type_expr(contact, "detect"), region="US"))

    assert {row[0]: row[1] for row in rows.collect()} == {
        text: value and sha256(value.encode()).hexdigest() for text, value in expected.items()
    }
