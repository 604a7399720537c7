"""People to accounts: by key, by domain, by employer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from tests.unit.relations.conftest import account_records, people_records, rows_of

from cdp_spark.config.match import AccountKey
from cdp_spark.relations.account_members import build_account_members
from cdp_spark.relations.evidence import build_domain_evidence, build_employer_evidence, build_key_evidence
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS, IDENTIFIERS

EVIDENCE = "unified_id string, record_key string, account_id string, account_record_key string"


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def found(evidence: DataFrame) -> list[tuple[str, str]]:
    rows = evidence.select("record_key", "account_id").collect()
    return sorted((row[0], row[1]) for row in rows)


@pytest.fixture(scope="module")
def accounts(spark: SparkSession) -> DataFrame:
    """Acme has two records; two branches of Lidlo share name and domain; Solo shares its domain with Duo."""
    acme = {"account_id": "A", "company_core": "acme", "domain": "acme.example", "source": "erp"}
    lidlo = {"company_core": "lidlo", "domain": "lidlo.example"}
    return account_records(
        spark,
        {**acme, "account_record_key": "a1", "source_record_id": "100"},
        {**acme, "account_record_key": "a2", "source_record_id": "200", "source": "partner"},
        {**lidlo, "account_id": "L1", "account_record_key": "l1", "postcode": "10115", "source_record_id": "300"},
        {**lidlo, "account_id": "L2", "account_record_key": "l2", "postcode": "20095", "source_record_id": "400"},
        {"account_id": "S", "account_record_key": "s1", "company_core": "solo", "domain": "both.example"},
        {"account_id": "D", "account_record_key": "d1", "company_core": "duo", "domain": "both.example"},
        {"account_id": "N1", "account_record_key": "n1", "company_core": "namesake", "domain": "one.example"},
        {"account_id": "N2", "account_record_key": "n2", "company_core": "namesake", "domain": "other.example"},
    )


def test_a_key_names_the_record_of_its_source_only(spark: SparkSession, accounts: DataFrame) -> None:
    people = people_records(
        spark,
        {"record_key": "p1", "unified_id": "P", "attributes": {"employer_no": " 100 "}},
        {"record_key": "p2", "unified_id": "P", "attributes": {"employer_no": "200"}},
        {"record_key": "p3", "unified_id": "Q", "attributes": {"other": "100"}},
    )
    keys = (AccountKey(attribute="employer_no", source="erp"),)
    evidence = build_key_evidence(people, accounts, rows_of(spark, IDENTIFIERS), keys=keys)
    expected = spark.createDataFrame([("P", "p1", "A", "a1")], EVIDENCE)
    assert_df_equality(evidence, expected, ignore_nullable=True)


def test_a_key_may_be_an_identifier_of_one_account(spark: SparkSession, accounts: DataFrame) -> None:
    held = [("a2", "77", True), ("l1", "88", True), ("l2", "88", True), ("s1", "99", False)]
    identifiers = rows_of(
        spark,
        IDENTIFIERS,
        *[
            {"record_key": key, "entity_type": "account", "type": "customer_id", "value": value}
            | {"value_hash": value, "usable": usable}
            for key, value, usable in held
        ],
    )
    people = people_records(
        spark,
        *[{"record_key": f"p{value}", "unified_id": "P", "registration_number": value} for _, value, _ in held[1:]],
        {"record_key": "p77", "unified_id": "P", "registration_number": "77"},
    )
    keys = (AccountKey(attribute="registration_number", identifier="customer_id"),)
    assert found(build_key_evidence(people, accounts, identifiers, keys=keys)) == [("p77", "A")]


def test_no_keys_no_evidence(spark: SparkSession, accounts: DataFrame) -> None:
    people = people_records(spark, {"record_key": "p1", "unified_id": "P"})
    assert build_key_evidence(people, accounts, rows_of(spark, IDENTIFIERS), keys=()).isEmpty()


def test_a_domain_names_the_only_account_that_has_it(spark: SparkSession, accounts: DataFrame) -> None:
    people = people_records(
        spark,
        {"record_key": "p1", "unified_id": "P", "emails": ["me@home.example", "me@ACME.example"]},
        {"record_key": "p2", "unified_id": "Q", "emails": ["me@both.example"]},
        {"record_key": "p3", "unified_id": "R", "domain": "one.example"},
        {"record_key": "p4", "unified_id": "S", "emails": []},
    )
    assert found(build_domain_evidence(people, accounts)) == [("p1", "A"), ("p3", "N1")]
    assert found(build_domain_evidence(people, accounts, excluded=("ACME.example",))) == [("p3", "N1")]


def test_an_employer_s_name_needs_to_be_one_account_s(spark: SparkSession, accounts: DataFrame) -> None:
    people = people_records(
        spark,
        {"record_key": "p1", "unified_id": "P", "company_core": "acme"},
        {"record_key": "p2", "unified_id": "P", "company_core": "lidlo"},
        {"record_key": "p3", "unified_id": "P", "company_core": "lidlo", "postcode": "20095"},
        {"record_key": "p4", "unified_id": "P", "company_core": "lidlo", "emails": ["me@lidlo.example"]},
        {"record_key": "p5", "unified_id": "P", "company_core": "namesake", "emails": ["me@other.example"]},
        {"record_key": "p6", "unified_id": "P", "company_core": None},
    )
    assert found(build_employer_evidence(people, accounts)) == [("p1", "A"), ("p3", "L2"), ("p5", "N2")]


def test_the_most_trusted_relation_makes_the_primary_account(spark: SparkSession) -> None:
    titles = {"p1": "Buyer", "p2": "Head of Purchasing", "p3": None, "q1": "Clerk"}
    observed = {"p1": day(1), "p2": day(2), "p3": day(9), "q1": None}
    people = people_records(
        spark,
        *[
            {"record_key": key, "unified_id": key[0].upper(), "job_title": title, "observed_at_utc": observed[key]}
            for key, title in titles.items()
        ],
    )
    told = [
        ("P", "p1", "employer", "A", "a1"),
        ("P", "p2", "employer", "A", "a2"),
        ("P", "p1", "key", "A", "a1"),
        ("P", "p3", "domain", "B", "b1"),
        ("Q", "q1", "domain", "B", "b1"),
    ]
    schema = "unified_id string, record_key string, relation string, account_id string, account_record_key string"
    members = build_account_members(
        spark.createDataFrame(told, schema), people, precedence=("key", "domain", "employer")
    )
    head = ("Head of Purchasing", "decision_maker", "head", "procurement")
    expected: list[tuple[Any, ...]] = [
        ("P", "A", "employer", False, *head, "p2", "a2", 2, day(2)),
        ("P", "A", "key", True, *head, "p1", "a1", 1, day(1)),
        ("P", "B", "domain", False, *[None] * 4, "p3", "b1", 1, day(9)),
        ("Q", "B", "domain", True, "Clerk", "user", None, None, "q1", "b1", 1, None),
    ]
    assert_df_equality(
        members, spark.createDataFrame(expected, ACCOUNT_MEMBERS.schema), ignore_row_order=True, ignore_nullable=True
    )
    evidence = spark.createDataFrame(told, schema)
    other_way = build_account_members(evidence, people, precedence=("domain", "key", "employer"))
    assert [tuple(row) for row in other_way.where("is_primary").select("account_id", "relation").collect()] == [
        ("B", "domain"),
        ("B", "domain"),
    ]
