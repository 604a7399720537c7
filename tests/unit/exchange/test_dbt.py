"""`cdp tables --dbt`: the gold tables of a release as dbt's sources."""

from __future__ import annotations

from typing import Any, cast

import yaml
from pyspark.sql import SparkSession

from cdp_spark.config.base import Secret
from cdp_spark.exchange.dbt import _REFERENCES, write_sources
from cdp_spark.tables.catalog import GOLD, TABLES
from cdp_spark.tables.store import Store

NO_SPARK = cast("SparkSession", None)
EVERY = {spec.name: 3 for spec in GOLD}


def source_of(store: Store, versions: dict[str, int]) -> dict[str, Any]:
    content = yaml.safe_load(write_sources(store, versions, release=7))
    assert content["version"] == 2
    [source] = content["sources"]
    return cast("dict[str, Any]", source)


def test_a_table_of_a_folder_is_read_at_the_version_of_the_release() -> None:
    source = source_of(Store(NO_SPARK, "/data/o'hara"), {"households": 12, "profiles": 4})
    assert (source["name"], source["schema"], source["quoting"]) == ("cdp", "delta", {"identifier": True})
    assert [table["name"] for table in source["tables"]] == ["profiles", "households"]
    households = source["tables"][1]
    assert {name: value for name, value in households.items() if name != "columns"} == {
        "name": "households",
        "description": "One row is a person's household.",
        "identifier": "/data/o'hara/households@v12",
        "config": {"meta": {"external_location": "delta_scan('/data/o''hara/households', version => 12)"}},
    }
    assert households["columns"][0] == {
        "name": "unified_id",
        "description": "the person",
        "data_tests": [
            "not_null",
            "unique",
            {"relationships": {"arguments": {"to": "source('cdp', 'profiles')", "field": "unified_id"}}},
        ],
    }


def test_a_place_from_the_environment_stays_a_variable() -> None:
    store = Store(NO_SPARK, Secret("s3a://bucket/cdp", "s3a://${BUCKET}/cdp"))
    [table] = source_of(store, {"households": 0})["tables"]
    assert table["identifier"] == 's3a://{{ env_var("BUCKET") }}/cdp/households@v0'
    location = table["config"]["meta"]["external_location"]
    assert location == """delta_scan('s3://{{ env_var("BUCKET") }}/cdp/households', version => 0)"""


def test_tables_of_a_catalog_schema_are_named() -> None:
    source = source_of(Store(NO_SPARK, "main.cdp", kind="schema"), {"households": 12})
    assert (source["database"], source["schema"]) == ("main", "cdp")
    assert set(source["tables"][0]) == {"name", "description", "columns"}
    assert source_of(Store(NO_SPARK, "cdp", kind="schema"), {})["schema"] == "cdp"


def test_every_gold_table_and_column_is_described_and_its_key_is_tested() -> None:
    tables = {table["name"]: table for table in source_of(Store(NO_SPARK, "/data"), EVERY)["tables"]}
    assert list(tables) == [spec.name for spec in GOLD]
    for spec in GOLD:
        columns = {column["name"]: column for column in tables[spec.name]["columns"]}
        assert list(columns) == spec.schema.names
        assert all(column["description"] for column in columns.values())
        keys = [test["unique"]["arguments"]["column_name"] for test in tables[spec.name].get("data_tests", [])]
        if len(spec.keys) == 1:
            assert (keys, "unique" in columns[spec.keys[0]]["data_tests"]) == ([], True)
        else:
            assert all(f"cast({key} as string)" in keys[0] for key in spec.keys)


def test_allowed_values_come_from_the_constraints() -> None:
    tables = {table["name"]: table for table in source_of(Store(NO_SPARK, "/data"), EVERY)["tables"]}
    change = next(column for column in tables["segment_changes"]["columns"] if column["name"] == "change")
    assert change["data_tests"] == ["not_null", {"accepted_values": {"arguments": {"values": ["enter", "exit"]}}}]


def test_references_are_between_columns_of_gold_tables() -> None:
    gold = {spec.name for spec in GOLD}
    for (table, column), (target, field) in _REFERENCES.items():
        assert {table, target.name} <= gold
        assert (column in TABLES[table].schema.names, target.keys) == (True, (field,))
