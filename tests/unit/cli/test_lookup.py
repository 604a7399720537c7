"""Which profile an id or an e-mail address stands for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cdp_spark.cli.lookup import ReleasedWarehouse, find_ids
from cdp_spark.errors import DataError
from cdp_spark.normalise.hashing import record_key
from cdp_spark.runs.releases import Release
from cdp_spark.tables.catalog import ID_REGISTRY, PROFILE_HISTORY, UNIFIED_IDS
from cdp_spark.tables.store import Store


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> ReleasedWarehouse:
    """c lives; a went into b and b into c; d is closed."""
    store = Store(spark, str(tmp_path))
    merges = [("a", "merged", "b"), ("b", "merged", "c"), ("c", "live", None), ("d", "closed", None)]
    rows = [(it, "person", status, into, None, 1, None, "new record") for it, status, into in merges]
    version = store.overwrite(ID_REGISTRY, spark.createDataFrame(rows, ID_REGISTRY.schema))
    return ReleasedWarehouse(store, Release(1, "run", datetime(2026, 11, 23, tzinfo=UTC), {"id_registry": version}))


@pytest.mark.parametrize("unified_id", ["a", "b", "c", " c "])
def test_a_merged_id_leads_to_the_one_that_lives(warehouse: ReleasedWarehouse, unified_id: str) -> None:
    assert find_ids(warehouse, unified_id) == ["c"]


def test_a_record_leads_to_its_id(warehouse: ReleasedWarehouse) -> None:
    store, key = warehouse.store, record_key("crm", "K2001")
    version = store.overwrite(UNIFIED_IDS, UNIFIED_IDS.table([(key, "person", "c")]))
    release = replace(warehouse.release, versions={**warehouse.release.versions, UNIFIED_IDS.name: version})
    assert find_ids(ReleasedWarehouse(store, release), "crm:K2001") == ["c"]


def test_at_a_time_an_id_stands_for_itself_where_it_had_a_profile(warehouse: ReleasedWarehouse) -> None:
    day, later = (datetime(2026, 11, number, tzinfo=UTC) for number in (1, 5))
    lists = {"emails": [], "phones": [], "attributes": {}, "sources": [], "consents": {}, "record_count": 1}
    span = {"unified_id": "a", "valid_from_utc": day, "valid_to_utc": later, "is_current": False, "content_hash": "-"}
    row = {**dict.fromkeys(PROFILE_HISTORY.schema.names), **lists, **span, "entity_type": "person"}
    store = warehouse.store
    version = store.overwrite(PROFILE_HISTORY, store.spark.createDataFrame([row], PROFILE_HISTORY.schema))
    versions = {**warehouse.release.versions, PROFILE_HISTORY.name: version}
    then = ReleasedWarehouse(store, replace(warehouse.release, versions=versions))
    assert find_ids(then, "a", at=day) == ["a"]
    assert find_ids(then, "a", at=later) == ["c"]


@pytest.mark.parametrize(("unified_id", "told"), [("d", "got d, closed"), ("x", "got x, never issued")])
def test_an_id_that_lives_nowhere_is_said_so(warehouse: ReleasedWarehouse, unified_id: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        find_ids(warehouse, unified_id)


def test_an_unknown_email_is_not_repeated(warehouse: ReleasedWarehouse) -> None:
    with pytest.raises(DataError, match="an e-mail address or phone that no profile has") as error:
        find_ids(warehouse, "someone@example.org")
    assert "someone" not in str(error.value)
