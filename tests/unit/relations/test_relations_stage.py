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
from cdp_spark.tables.catalog import ACCOUNT_MEMBERS, HOUSEHOLDS, PROFILES, RECORDS, UNIFIED_IDS
from cdp_spark.tables.run import RunContext
from cdp_spark.tables.store import Store

DAY = datetime(2026, 1, 1, tzinfo=UTC)
HOME = {"street": "High St", "house_number": "5", "postcode": "LS1 4AP", "family_name": "Reed"}
PEOPLE: dict[str, dict[str, Any]] = {
    "P": {**HOME, "given_name": "Ada", "attributes": {"employer_no": "100"}, "job_title": "Buyer"},
    "Q": {**HOME, "given_name": "Bob", "emails": ["bob@acme.example"]},
}
ACCOUNTS: dict[str, dict[str, Any]] = {"A": {"company_name": "Acme Ltd", "domain": "acme.example", "employees": 300}}


def write_warehouse(store: Store) -> dict[str, int]:
    spark, kinds = store.spark, (("person", PEOPLE), ("account", ACCOUNTS))
    own = [(kind, name, values) for kind, group in kinds for name, values in group.items()]
    ids = {"P": "1", "Q": "2", "A": "100"}
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
        UNIFIED_IDS.name: store.overwrite(UNIFIED_IDS, spark.createDataFrame(bears, UNIFIED_IDS.schema)),
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
    }
    return {**written, **result.versions}


def test_a_second_night_changes_nothing(store: Store, versions: dict[str, int]) -> None:
    again = run(context_of(store, ordinal=2, base=versions))
    for spec in (ACCOUNT_MEMBERS, HOUSEHOLDS):
        first, second = (store.read(spec, version=each[spec.name]) for each in (versions, again.versions))
        assert_df_equality(second, first, ignore_row_order=True)


def test_what_is_switched_off_leaves_no_rows(store: Store, versions: dict[str, int]) -> None:
    off = {"account_members": {"enabled": False}, "households": {"enabled": False}}
    result = run(context_of(store, ordinal=3, base=versions, match=off))
    assert set(result.metrics.values()) == {0.0}


def test_segments_ask_of_relations(store: Store, versions: dict[str, int]) -> None:
    segment = SegmentConfig(
        name="big",
        members=Condition(
            all=(
                Condition(where="account_employees >= 250"),
                Condition.model_validate({"not": Condition(where="household_size > 4 or people_count > 1")}),
            )
        ),
    )
    asked = asked_relations([segment])
    assert asked == {"account_employees", "household_size", "people_count"}
    tables = [store.read(spec, version=versions[spec.name]) for spec in (PROFILES, ACCOUNT_MEMBERS, HOUSEHOLDS)]
    found = with_relations(*tables, asked=asked).orderBy("unified_id")
    assert [tuple(row) for row in found.select("unified_id", *sorted(asked)).collect()] == [
        ("A", None, None, 2),
        ("P", 300, 2, None),
        ("Q", 300, 2, None),
    ]
    assert with_relations(*tables, asked=frozenset()).columns == PROFILES.schema.names


def test_the_vocabulary_of_segments_is_what_they_can_ask(store: Store, versions: dict[str, int]) -> None:
    tables = [store.read(spec, version=versions[spec.name]) for spec in (PROFILES, ACCOUNT_MEMBERS, HOUSEHOLDS)]
    related = with_relations(*tables, asked=frozenset(RELATION_COLUMNS))
    found = kinds_of({field.name: field.dataType for field in related.schema})
    assert found == {**PROFILE_COLUMNS, **RELATION_COLUMNS}
