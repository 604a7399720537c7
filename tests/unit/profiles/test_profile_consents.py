from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from cdp_spark.config.profile import SurvivorshipConfig
from cdp_spark.config.project import ConsentPolicy
from cdp_spark.normalise.hashing import record_key
from cdp_spark.normalise.people.contact_points import contact_point_hash
from cdp_spark.profiles.profiles import build_profiles
from cdp_spark.profiles.survivors import build_survivors
from cdp_spark.tables.catalog import CONSENTS, PROFILES
from cdp_spark.tables.consents import (
    allowed_expr,
    build_contact_point_consents,
    build_contact_points,
    build_profile_consents,
)
from cdp_spark.tables.hashing import record_key_expr

Rows = Callable[..., DataFrame]

AS_OF = datetime(2026, 2, 1, tzinfo=UTC)
POLICY = ConsentPolicy(purposes=("mail", "ads"))


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def sha(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def consents_of(spark: SparkSession, *rows: tuple[str, str, str, datetime, str]) -> DataFrame:
    """Consents from (contact point, purpose, source, given at, status)."""
    complete = [
        ("email", sha(point), purpose, source, at, status, None, AS_OF, "run-1")
        for point, purpose, source, at, status in rows
    ]
    return spark.createDataFrame(complete, CONSENTS.schema)


def test_the_latest_word_of_a_source_counts_and_the_most_restrictive_of_all(spark: SparkSession) -> None:
    consents = consents_of(
        spark,
        ("a", "mail", "crm", day(1), "denied"),
        ("a", "mail", "crm", day(2), "granted"),
        ("a", "ads", "crm", day(1), "granted"),
        ("a", "ads", "web", day(1), "denied"),
        ("b", "mail", "crm", day(1), "granted"),
        ("b", "mail", "web", day(1), "withdrawn"),
        ("b", "mail", "web", day(1), "denied"),
        ("c", "mail", "crm", day(1), "granted"),
        ("c", "mail", "crm", AS_OF + timedelta(days=9), "withdrawn"),
        ("d", "mail", "crm", day(1), "denied"),
        ("d", "mail", "crm", AS_OF + timedelta(days=9), "granted"),
    )
    expected = spark.createDataFrame(
        [
            (sha("a"), "mail", "granted"),
            (sha("a"), "ads", "denied"),
            (sha("b"), "mail", "withdrawn"),
            (sha("c"), "mail", "withdrawn"),
            (sha("d"), "mail", "denied"),
        ],
        "contact_point_hash string, purpose string, status string",
    )
    assert_df_equality(
        build_contact_point_consents(consents, until=AS_OF), expected, ignore_row_order=True, ignore_nullable=True
    )


def test_a_withdrawal_in_another_spelling_of_the_mailbox_counts(spark: SparkSession) -> None:
    profiles = spark.createDataFrame(
        [("u1", ["ann.lee+shop@googlemail.com"], ["+4930123456"]), ("u2", None, []), ("u3", [], ["+491"])],
        "unified_id string, emails array<string>, phones array<string>",
    )
    consents = consents_of(spark, ("annlee@gmail.com", "mail", "crm", day(1), "withdrawn"))
    points = build_contact_points(profiles)

    found = build_profile_consents(build_contact_point_consents(consents), points)

    assert [tuple(row) for row in found.collect()] == [("u1", "mail", "withdrawn")]
    assert contact_point_hash("Ann.Lee@gmail.com ") == sha("annlee@gmail.com")
    hashes = {row.contact_point_hash for row in points.collect()}
    assert hashes == {sha("annlee@gmail.com"), sha("+4930123456"), sha("+491")}


def test_the_key_of_a_record_is_the_same_in_spark(spark: SparkSession) -> None:
    ids = ["1", 'a"\\b', "ä/\u2028", None]
    rows = spark.createDataFrame([(it,) for it in ids], "id string")

    keys = [row.key for row in rows.select(record_key_expr(F.lit("crm"), F.col("id")).alias("key")).collect()]

    assert keys == [None if it is None else record_key("crm", it) for it in ids]


def test_a_merge_never_upgrades_and_a_split_restores(spark: SparkSession, make_records: Rows, make_ids: Rows) -> None:
    records = make_records(
        {"record_key": "1", "emails": ["yes@x.org", "Ask@x.org"], "email": "yes@x.org", "given_name": "Jo"},
        {"record_key": "2", "emails": ["no@x.org", "yes@x.org"], "phones": ["+491"], "source": "web"},
    )
    consents = consents_of(
        spark,
        ("yes@x.org", "mail", "crm", day(1), "granted"),
        ("no@x.org", "mail", "crm", day(1), "denied"),
        ("ask@x.org", "ads", "crm", day(1), "granted"),
        ("+491", "sms", "web", day(1), "withdrawn"),
    )

    def profiles_of(ids: DataFrame) -> DataFrame:
        survivors = build_survivors(
            records, ids, survivorship=SurvivorshipConfig(), source_priority={"crm": 1}, as_of=AS_OF
        )
        given = build_profile_consents(build_contact_point_consents(consents), build_contact_points(survivors))
        return build_profiles(survivors, given, policy=POLICY)

    def row(unified_id: str, records: int, **values: object) -> dict[str, object]:
        seen = {"first_seen_at_utc": day(1), "last_seen_at_utc": day(1)}
        nothing: dict[str, object] = dict.fromkeys(PROFILES.schema.names)
        shared = {"entity_type": "person", "attributes": {}, "record_count": records}
        return {**nothing, "unified_id": unified_id, **shared, **seen, **values}

    apart = [
        row(
            "u1",
            1,
            given_name="Jo",
            email="yes@x.org",
            emails=["Ask@x.org", "yes@x.org"],
            phones=[],
            sources=["crm"],
            consents={"ads": "granted", "mail": "granted"},
        ),
        row(
            "u2",
            1,
            emails=["no@x.org", "yes@x.org"],
            phones=["+491"],
            sources=["web"],
            consents={"ads": "unknown", "mail": "denied", "sms": "withdrawn"},
        ),
    ]
    together = [
        row(
            "u1",
            2,
            given_name="Jo",
            email="yes@x.org",
            emails=["Ask@x.org", "no@x.org", "yes@x.org"],
            phones=["+491"],
            sources=["crm", "web"],
            consents={"ads": "granted", "mail": "denied", "sms": "withdrawn"},
        )
    ]
    for ids, expected in (
        ({"1": "u1", "2": "u2"}, apart),
        ({"1": "u1", "2": "u1"}, together),
    ):
        assert_df_equality(
            profiles_of(make_ids(**ids)),
            spark.createDataFrame(expected, PROFILES.schema),
            transforms=[lambda rows: rows.sort("unified_id")],
            ignore_nullable=True,
        )


@pytest.mark.parametrize(
    ("default", "allowed"),
    [("denied", [True, False, False, False, False]), ("granted", [True, False, False, True, True])],
)
def test_the_policy_decides_where_nobody_was_asked(spark: SparkSession, default: str, allowed: list[bool]) -> None:
    statuses = ["granted", "denied", "withdrawn", "unknown", None]
    rows = spark.createDataFrame([(status,) for status in statuses], "status string")
    policy = ConsentPolicy.model_validate({"default": default})
    expected = spark.createDataFrame(list(zip(statuses, allowed, strict=True)), "status string, allowed boolean")
    found = rows.withColumn("allowed", allowed_expr(F.col("status"), policy=policy))
    assert_df_equality(found, expected, ignore_nullable=True)
