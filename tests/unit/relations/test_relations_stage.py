"""The relations stage on a small warehouse, two nights, and what is shown of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from tests.unit.relations.conftest import profiles_of, rows_of

from cdp_spark.config.checks.vocabulary import PROFILE_COLUMNS, RELATION_COLUMNS
from cdp_spark.config.expressions.compile import kinds_of
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.project import Project, ProjectSettings, Warehouse
from cdp_spark.config.segment import Condition, SegmentConfig
from cdp_spark.relations.stage import run
from cdp_spark.segments.relations import asked_relations, with_relations
from cdp_spark.tables.catalog import ACCOUNT_HIERARCHY, ACCOUNT_MEMBERS, HOUSEHOLDS, PROFILES, RECORDS, UNIFIED_IDS
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

DAY = datetime(2026, 1, 1, tzinfo=UTC)
HOME = {"street": "High St", "house_number": "5", "postcode": "LS1 4AP", "family_name": "Reed"}
PEOPLE: dict[str, dict[str, Any]] = {
    "P": {**HOME, "given_name": "Ada", "attributes": {"employer_no": "100"}, "job_title": "Buyer"},
    "Q": {**HOME, "given_name": "Bob", "emails": ["bob@acme.example"]},
}
ACCOUNTS: dict[str, dict[str, Any]] = {
    "A": {"company_name": "Acme Ltd", "domain": "acme.example", "employees": 300},
    "B": {"company_name": "Beta Ltd", "parent_account": "100"},
    "C": {"company_name": "Care Ltd", "parent_account": "Nobody Ltd"},
}


def write_warehouse(store: Store) -> dict[str, int]:
    spark, kinds = store.spark, (("person", PEOPLE), ("account", ACCOUNTS))
    own = [(kind, name, values) for kind, group in kinds for name, values in group.items()]
    ids = {"P": "1", "Q": "2", "A": "100", "B": "200", "C": "300"}
    records: list[dict[str, Any]] = [
        {
            **values,
            "entity_type": kind,
            "record_key": f"r{name}",
            "source": "erp",
            "source_record_id": ids[name],
        }
        for kind, name, values in own
    ]
    rows = [{**values, "entity_type": kind, "unified_id": name} for kind, name, values in own]
    bears = [(f"r{name}", kind, name) for kind, name, _ in own]
    return {
        RECORDS.name: store.overwrite(RECORDS, rows_of(spark, RECORDS, *records)),
        PROFILES.name: store.overwrite(PROFILES, profiles_of(spark, *rows)),
        UNIFIED_IDS.name: store.overwrite(UNIFIED_IDS, UNIFIED_IDS.table(bears)),
    }


def context_of(store: Store, *, ordinal: int, base: dict[str, int], match: dict[str, Any] | None = None) -> RunContext:
    settings = ProjectSettings(name="shop", namespace=UUID(int=1), warehouse=Warehouse(path="warehouse"))
    keys = [{"attribute": "employer_no", "source": "erp"}]
    config = MatchConfig.model_validate_json(MatchConfig(**(match or {})).model_dump_json())
    members = config.account_members.model_validate({"keys": tuple(keys)}) if match is None else config.account_members
    project = Project(
        folder=".",
        settings=settings,
        sources=(),
        match=config.model_copy(update={"account_members": members}),
        config_hash="-",
    )
    return RunContext(
        store=store, project=project, run_id=f"run-{ordinal}", ordinal=ordinal, as_of=DAY, base_versions=base
    )


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(spark, str(tmp_path_factory.mktemp("relations")))


@pytest.fixture(scope="module")
def versions(store: Store) -> dict[str, int]:
    written = write_warehouse(store)
    result = run(context_of(store, ordinal=1, base={}))
    assert result.metrics == {
        "account_members.people": 2.0,
        "account_members.accounts": 1.0,
        "account_members.key": 1.0,
        "account_members.domain": 1.0,
        "account_members.employer": 0.0,
        "households.people": 2.0,
        "households.households": 1.0,
        "households.shared": 1.0,
        "account_hierarchy.children": 1.0,
        "account_hierarchy.depth": 1.0,
        "account_hierarchy.unknown_parent": 1.0,
        "account_hierarchy.ambiguous_parent": 0.0,
        "account_hierarchy.account_cycle": 0.0,
    }
    assert result.warnings == (
        "account_hierarchy: accounts whose parent is not in the data: 1. Its column `issue` shows which.",
    )
    return {**written, **result.versions}


def test_a_second_night_changes_nothing(store: Store, versions: dict[str, int]) -> None:
    again = run(context_of(store, ordinal=2, base=versions))
    for spec in (ACCOUNT_MEMBERS, ACCOUNT_HIERARCHY, HOUSEHOLDS):
        first, second = (store.read(spec, version=each[spec.name]) for each in (versions, again.versions))
        assert_df_equality(second, first, ignore_row_order=True)


def test_members_have_the_role_that_their_title_tells(store: Store, versions: dict[str, int]) -> None:
    members = store.read(ACCOUNT_MEMBERS, version=versions[ACCOUNT_MEMBERS.name]).orderBy("unified_id")
    assert [tuple(row) for row in members.select("unified_id", "role", "seniority", "department").collect()] == [
        ("P", "influencer", None, "procurement"),
        ("Q", None, None, None),
    ]


def test_an_account_is_below_the_one_that_its_record_names(store: Store, versions: dict[str, int]) -> None:
    tree = store.read(ACCOUNT_HIERARCHY, version=versions[ACCOUNT_HIERARCHY.name]).orderBy("unified_id")
    assert [tuple(row) for row in tree.collect()] == [
        ("A", None, "A", 0, ["A"], None, None, None),
        ("B", "A", "A", 1, ["A", "B"], "key", "rB", None),
        ("C", None, "C", 0, ["C"], None, "rC", "unknown_parent"),
    ]


def test_what_is_switched_off_leaves_no_rows(store: Store, versions: dict[str, int]) -> None:
    off = {"account_members": {"enabled": False}, "households": {"enabled": False}}
    result = run(context_of(store, ordinal=3, base=versions, match=off))
    assert {value for name, value in result.metrics.items() if "hierarchy" not in name} == {0.0}


def test_segments_ask_of_relations(store: Store, versions: dict[str, int]) -> None:
    segment = SegmentConfig(
        name="big",
        members=Condition(
            all=(
                Condition(where="household_size >= 2"),
                Condition.model_validate({"not": Condition(where="household_size > 4 or people_count > 1")}),
            )
        ),
    )
    asked = asked_relations([segment])
    assert asked == {"household_size", "people_count"}
    tables = [store.read(spec, version=versions[spec.name]) for spec in (PROFILES, ACCOUNT_MEMBERS, HOUSEHOLDS)]
    found = with_relations(*tables, asked=asked).orderBy("unified_id")
    assert [tuple(row) for row in found.select("unified_id", *sorted(asked)).collect()] == [
        ("A", None, 2),
        ("B", None, 0),
        ("C", None, 0),
        ("P", 2, None),
        ("Q", 2, None),
    ]
    assert with_relations(*tables, asked=frozenset()).columns == PROFILES.schema.names


def test_the_vocabulary_of_segments_is_what_they_can_ask(store: Store, versions: dict[str, int]) -> None:
    tables = [store.read(spec, version=versions[spec.name]) for spec in (PROFILES, ACCOUNT_MEMBERS, HOUSEHOLDS)]
    related = with_relations(*tables, asked=frozenset(RELATION_COLUMNS))
    found = kinds_of({field.name: field.dataType for field in related.schema})
    assert found == {**PROFILE_COLUMNS, **RELATION_COLUMNS}
