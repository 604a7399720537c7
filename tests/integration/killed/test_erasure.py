"""Somebody is erased: no file of the warehouse says a word of them, and all others stay as they are."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.integration.killed import killed_erasure
from tests.integration.killed.erasure_shop import (
    EMAIL,
    HASHES,
    Shop,
    build_shop,
    copy_of,
    deliver,
    options_of,
    texts_of,
)
from tests.integration.killed.killed_erasure import request_of

from cdp_spark.errors import DataError
from cdp_spark.identity.frames_tables import resolve_id
from cdp_spark.runs.comparison.compare import read_changes
from cdp_spark.runs.releases import current_release
from cdp_spark.runs.run_log import read_runs
from cdp_spark.runs.runner import continue_erasures, erase, nightly
from cdp_spark.tables.catalog import (
    ERASURES,
    GOLD,
    HOUSEHOLDS,
    ID_CHANGES,
    ID_REGISTRY,
    IDENTITY_ISSUES,
    RELEASES,
    RUN_METRICS,
    RUNS,
    SEGMENT_CHANGES,
    SUPPRESSIONS,
    TABLES,
)
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store
from cdp_spark.view.find import find_ids
from cdp_spark.view.warehouse import ReleasedWarehouse

_SAY_SO = {it.name for it in (ID_CHANGES, ID_REGISTRY, SEGMENT_CHANGES, IDENTITY_ISSUES, HOUSEHOLDS)}
"""Gold tables of which an erasure changes other rows than it takes out; households are counted anew the next night."""
_OWN_CLOCK = {it.name for it in (RUNS, RUN_METRICS, RELEASES, ERASURES, SUPPRESSIONS)}


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("erasure")
    return build_shop(Store(spark, str(folder / "warehouse")), folder / "shop")


def released_rows(shop: Shop, spec: TableSpec) -> list[str]:
    return sorted(
        map(json.dumps, current_release(shop.store).read(shop.store, spec).toPandas().astype(str).values.tolist())
    )


@pytest.mark.slow
def test_no_file_says_a_word_of_the_erased_and_others_stay(shop: Shop, tmp_path: Path) -> None:
    killed = copy_of(shop, tmp_path / "killed")
    zoe = shop.id_of("Zoe")
    before = {spec.name: released_rows(shop, spec) for spec in GOLD}
    erase(shop.store, shop.project, request_of(zoe))
    assert_nothing_left(shop)
    assert sorted(path.name for path in (shop.folder / "exports" / "newsletter").iterdir()) == ["_erased", "release=3"]
    names = names_of(zoe, shop)
    for spec in GOLD:
        if spec.name not in _SAY_SO:
            kept = [row for row in before[spec.name] if not any(name in row for name in names)]
            assert released_rows(shop, spec) == kept, spec.name
    assert_tombstones(shop, zoe)

    kill(killed, zoe, tables=12)
    continue_erasures(killed.store, killed.project)
    assert [run.status for run in read_runs(killed.store)] == ["finished"] * 3
    assert_nothing_left(killed)
    assert_same_tables(killed, shop)

    deliver(killed.folder, night=2)
    night = nightly(killed.store, killed.project, options_of(3))
    assert night.metrics["customers.rows_suppressed"] == 2  # hers, and her row without an id
    assert night.metrics["web.rows_suppressed"] == 3
    assert read_changes(killed.store, since=3).isEmpty()
    assert_nothing_left(killed)


def assert_nothing_left(shop: Shop) -> None:
    secrets = ("zoe", *(it[:32] for it in HASHES))
    files = texts_of(Path(shop.store.location))
    assert not [(path, word) for path, text in files for word in secrets if word in text.lower()]


def names_of(unified_id: str, shop: Shop) -> set[str]:
    """The id, those that lead to it, and the erased records."""
    registry = shop.store.fetch(ID_REGISTRY).to_pylist()
    merged = {row["unified_id"] for row in registry if row["merged_into"] == unified_id}
    return {unified_id, *merged, *shop.store.fetch(ERASURES)["record_key"].to_pylist()}


def assert_tombstones(shop: Shop, zoe: str) -> None:
    warehouse = ReleasedWarehouse.newest(shop.store)
    resolved = resolve_id(warehouse.read(ID_REGISTRY), zoe)
    assert (resolved.status, resolved.cause) == ("closed", "erasure")
    told = {(row.unified_id, row.change, row.cause) for row in read_changes(shop.store, since=2).collect()}
    assert told == {(zoe, "erased", "erasure")}
    exits = [tuple(row) for row in warehouse.read(SEGMENT_CHANGES).where("release = 3").collect()]
    assert exits == [(3, "reachable_gold", zoe, "exit", "erasure")]
    with pytest.raises(DataError, match="erased with release 3: nothing is left of it"):
        find_ids(warehouse, zoe)
    with pytest.raises(DataError, match="an e-mail address or phone that no profile has"):
        find_ids(warehouse, EMAIL)


def kill(shop: Shop, unified_id: str, *, tables: int) -> None:
    command = [
        sys.executable,
        "-m",
        killed_erasure.__name__,
        str(shop.folder),
        shop.store.location,
        unified_id,
        str(tables),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def assert_same_tables(killed: Shop, never: Shop) -> None:
    for spec in TABLES.values():
        if spec.name not in _OWN_CLOCK:
            rows, expected = (
                sorted(json.dumps(row, default=str, sort_keys=True) for row in it.store.fetch(spec).to_pylist())
                for it in (killed, never)
            )
            assert [row.replace(str(killed.folder), str(never.folder)) for row in rows] == expected, spec.name
