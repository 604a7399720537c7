from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from cdp_spark.config.match import BlockingKey, BlockingRule, Comparison, EntityMatch, MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.source import SourceConfig
from cdp_spark.standardise import stage
from cdp_spark.standardise.frames import build_outdated_versions
from cdp_spark.standardise.identifiers import build_found, build_identifiers, find_unusable_values
from cdp_spark.standardise.versions import DATED_VERSION, find_outdated_versions
from cdp_spark.tables.catalog import IDENTIFIERS, RECORDS, SOURCE_RECORDS, SOURCE_SNAPSHOTS
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
EARLIER = datetime(2026, 1, 30, 12, tzinfo=UTC)


def _source(name: str, **settings: object) -> SourceConfig:
    fixed = {"name": name, "kind": "records", "format": "csv", "path": f"{name}.csv", "key": ("id",)}
    return SourceConfig.model_validate({**fixed, **settings})


SOURCES = (
    _source(
        "crm",
        columns={"full_name": {"from": ("Name",)}, "email": {"from": ("Mail", "Mail 2")}, "phone": {"from": ("Tel",)}},
        identifiers={"loyalty_id": "Card"},
        attributes={"shoe_size": "Shoes"},
        default_region="DE",
    ),
    _source(
        "till",
        columns={
            "full_name": {"from": ("First", "Last"), "join": " "},
            "email": {"from": ("a", "b"), "join": "@"},
            "birth_date": {"from": ("Born",), "formats": ("dd/MM/yyyy",)},
            "city": {"from": ("Town", "Place")},
            "country": {"value": "Germany"},
        },
        delivery="snapshot",
    ),
    _source("shop", columns={"email": {"from": ("email",)}}, identifiers={"cookie_id": "cookie", "email": "alt"}),
)


def _project() -> Project:
    blocking = BlockingRule(name="email", keys=(BlockingKey(column="email"),))
    comparison = Comparison(name="email", method="email", columns=("email",))
    person = EntityMatch(blocking=(blocking,), comparisons=(comparison,), max_sharing={"email": 2, "phone": 2})
    settings = ProjectSettings(name="test", namespace=UUID(int=1), warehouse=Warehouse(path="w"))
    return Project(folder=".", settings=settings, sources=SOURCES, match=MatchConfig(person=person), config_hash="x")


def _delivered(spark: SparkSession, *rows: tuple[str, str, datetime | None, str, dict[str, str | None]]) -> DataFrame:
    """Rows of (source, id, observed, content hash, columns)."""
    full = [
        (source, key, content, f"{source}-{key}", "person", observed, NOON, "run", None, columns)
        for source, key, observed, content, columns in rows
    ]
    return spark.createDataFrame(full, SOURCE_RECORDS.schema).coalesce(1)


def test_spark_finds_the_outdated_versions_that_one_process_finds(spark: SparkSession) -> None:
    delivered = _delivered(
        spark,
        *(("till", key, at, text, {}) for key in "1234" for at, text in ((EARLIER, "a"), (NOON, "b"))),
        *(("crm", key, at, text, {}) for key in "12" for at, text in ((None, "z"), (NOON, "a"), (NOON, "b"))),
    )
    snapshots = spark.createDataFrame(
        [("till", "1", "a"), ("till", "3", "b"), ("crm", "9", "a")], SOURCE_SNAPSHOTS.schema
    )
    outdated = build_outdated_versions(delivered.repartition(3), snapshots, replaced=["till"])
    versions = delivered.select(*DATED_VERSION).toArrow()
    expected = find_outdated_versions(versions, snapshots.toArrow(), replaced=["till"])
    assert_df_equality(outdated, spark.createDataFrame(expected), ignore_row_order=True, ignore_nullable=True)
    assert expected.num_rows == 10


def test_only_declared_sources_are_snapshots() -> None:
    assert stage.snapshot_sources(_project()) == ("till",)


def _judged(
    records: DataFrame,
    *,
    blocked: Mapping[str, Sequence[str]] | None = None,
    max_sharing: Mapping[str, Mapping[str, int]] | None = None,
    linking: Sequence[str] = (),
) -> DataFrame:
    found = build_found(records, blocked=blocked or {})
    unusable = find_unusable_values(found, records, max_sharing=max_sharing or {}, linking=linking)
    return build_identifiers(found, unusable.joinable)


def test_shared_and_unusable_identifiers(spark: SparkSession) -> None:
    found_type = "array<struct<type:string,value:string,reason:string>>"
    schema = f"record_key string, entity_type string, observed_at_utc timestamp, identifiers {found_type}"
    rows = [
        *((f"r{number}", "person", None, [("email", "all@x.org", None), None]) for number in range(3)),
        ("r3", "person", None, [("email", "own@x.org", None), ("phone", "0000000000", "placeholder")]),
        ("r4", "person", None, [("email", "till@x.org", None), ("loyalty_id", "9912", None)]),
        *((f"a{number}", "account", None, [("email", "all@x.org", None)]) for number in range(3)),
        ("v1", "visitor", None, [("email", "all@x.org", None), ("cookie_id", "9912", None)]),
        ("v2", "visitor", None, [("email_sha256", sha256(b"till@x.org").hexdigest(), None)]),
    ]
    records = spark.createDataFrame(rows, schema)
    found = _judged(
        records,
        blocked={"email": ("Till@x.org",), "loyalty_id": ("99*",)},
        max_sharing={"person": {"email": 2}},
    )
    expected = [
        *((f"a{number}", "email", "all@x.org", True, None) for number in range(3)),
        *((f"r{number}", "email", "all@x.org", False, "shared") for number in range(3)),
        ("r3", "email", "own@x.org", True, None),
        ("r3", "phone", "0000000000", False, "placeholder"),
        ("r4", "email", "till@x.org", False, "blocked"),
        ("r4", "loyalty_id", "9912", False, "blocked"),
        ("v1", "cookie_id", "9912", True, None),
        ("v1", "email", "all@x.org", False, "shared"),
        ("v2", "email_sha256", sha256(b"till@x.org").hexdigest(), False, "blocked"),
    ]
    kept = found.select("record_key", "type", "value", "usable", "reason").orderBy("record_key", "type").coalesce(1)
    assert_df_equality(kept, spark.createDataFrame(expected, kept.schema), ignore_nullable=True)


def test_a_value_that_joins_records_is_not_used_where_they_are_of_several_people(spark: SparkSession) -> None:
    found_type = "array<struct<type:string,value:string,reason:string>>"
    schema = (
        f"record_key string, given_name string, family_name string, birth_date date, identifiers {found_type}, "
        "entity_type string, national_id string, observed_at_utc timestamp"
    )
    rows = [
        ("a1", "Ann", "Lee", date(1980, 2, 3), [("user_id", "till", None)]),
        ("a2", "Tom", "Lee", date(2011, 7, 19), [("user_id", "till", None)]),
        ("b1", "Bob", "Moe", date(1975, 1, 1), [("user_id", "bob", None)]),
        ("b2", "Robert", "Moe", None, [("user_id", "bob", None)]),
        ("v1", None, None, None, [("user_id", "till", None), ("cookie_id", "c", None)]),
    ]
    people = [(*row, "visitor" if row[0] == "v1" else "person", None, NOON) for row in rows]

    found = _judged(spark.createDataFrame(people, schema), linking=["user_id"])

    assert {(row["record_key"], row["type"]): row["reason"] for row in found.collect()} == {
        ("a1", "user_id"): "contradicted",
        ("a2", "user_id"): "contradicted",
        ("b1", "user_id"): None,
        ("b2", "user_id"): None,
        ("v1", "user_id"): "contradicted",
        ("v1", "cookie_id"): None,
    }


@pytest.fixture
def context(spark: SparkSession, tmp_path: Path) -> RunContext:
    return RunContext(store=Store(spark, str(tmp_path)), project=_project(), run_id="run", ordinal=1, as_of=NOON)


def test_the_stage(spark: SparkSession, context: RunContext) -> None:
    rows = _delivered(
        spark,
        ("crm", "1", NOON, "a", {"Name": "ann lee", "Mail": "x", "Mail 2": "Ann@x.org", "Tel": "12", "Shoes": "38"}),
        ("crm", "1", EARLIER, "b", {"Name": "old name"}),
        ("crm", "2", NOON, "c", {"Name": "Bo Lee", "Tel": "0171 1234567", "Card": "lc-12 34", "Shoes": ""}),
        ("shop", "1", None, "d", {"email": "ANN@x.org", "cookie": "Abc", "alt": "ann@y.org"}),
        ("gone", "1", NOON, "e", {"email": "ann@x.org"}),
        ("till", "1", NOON, "f", {"First": "Cy", "Last": "Ray", "Born": "03/04/1980", "Town": "n/a", "Place": "Ulm"}),
    )
    context.store.overwrite(SOURCE_RECORDS, rows)
    result = stage.run(context)
    records = context.store.read(RECORDS).orderBy("record_key").collect()
    assert [(row.birth_date, row.city, row.country) for row in records] == [
        *((None, None, None) for _ in range(3)),
        (date(1980, 4, 3), "Ulm", "DE"),
    ]
    assert [(row.full_name, row.email, row.phone, row.attributes, row.value_issues) for row in records] == [
        ("Ann Lee", "ann@x.org", None, {"shoe_size": "38"}, ["email:no_at_sign", "phone:too_short"]),
        ("Bo Lee", None, "+491711234567", {}, []),
        (None, "ann@x.org", None, {}, []),
        ("Cy Ray", None, None, {}, []),
    ]
    found = context.store.read(IDENTIFIERS).where("type != 'email_sha256'").orderBy("record_key", "type", "value")
    assert [(row.record_key, row.type, row.value, row.usable, row.reason) for row in found.collect()] == [
        ("crm-1", "email", "ann@x.org", True, None),
        ("crm-1", "email", "x", False, "no_at_sign"),
        ("crm-1", "phone", "12", False, "too_short"),
        ("crm-2", "loyalty_id", "LC1234", True, None),
        ("crm-2", "phone", "+491711234567", True, None),
        ("shop-1", "cookie_id", "Abc", True, None),
        ("shop-1", "email", "ann@x.org", True, None),
        ("shop-1", "email", "ann@y.org", True, None),
    ]
    assert result.versions.keys() == {"records", "identifiers"}
    assert result.metrics == {
        "crm.records": 2,
        "shop.records": 1,
        "till.records": 1,
        "crm.email.no_at_sign": 1,
        "crm.phone.too_short": 1,
        "identifiers.email": 3,
        "identifiers.email.no_at_sign": 1,
        "identifiers.phone": 1,
        "identifiers.phone.too_short": 1,
        "identifiers.loyalty_id": 1,
        "identifiers.cookie_id": 1,
        "identifiers.email_sha256": 3,
    }


def test_a_second_run_writes_the_same(spark: SparkSession, context: RunContext) -> None:
    context.store.overwrite(SOURCE_RECORDS, _delivered(spark, ("shop", "1", None, "d", {"email": "ann@x.org"})))
    stage.run(context)
    first = [context.store.read(spec).collect() for spec in (RECORDS, IDENTIFIERS)]
    stage.run(context)
    assert [context.store.read(spec).collect() for spec in (RECORDS, IDENTIFIERS)] == first


def test_no_records_yet(context: RunContext) -> None:
    assert stage.run(context).metrics == {}
    assert context.store.read(RECORDS).columns == RECORDS.schema.names
