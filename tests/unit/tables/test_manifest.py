"""What was written is demanded, and a process that was killed leaves a warehouse that goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from cdp_spark import columns as c
from cdp_spark.errors import StateError
from cdp_spark.runs.manifest import check_tables, rebuild_manifest
from cdp_spark.runs.releases import Release, append_release, current_release
from cdp_spark.tables.actions import removal
from cdp_spark.tables.actions.removal import AnyOf, delete_matching
from cdp_spark.tables.catalog import CONSENTS, LABELS, RELEASES, RUNS, SUPPRESSIONS
from cdp_spark.tables.direct.log import Log, read_log
from cdp_spark.tables.lock import hold_warehouse
from cdp_spark.tables.manifest.keepers import FileKeeper
from cdp_spark.tables.manifest.manifest import PLACE, Manifest
from cdp_spark.tables.spec import TableSpec
from cdp_spark.tables.store import Store
from cdp_spark.tables.trouble import explain

NOW = datetime(2026, 10, 1, tzinfo=UTC)
RELEASE = Release(7, "run-7", NOW, {})


def consent(number: int) -> pa.Table:
    return CONSENTS.table([("email", f"hash-{number}", "mail", "crm", NOW, "withdrawn", None, NOW, "run-7")])


@pytest.fixture(scope="module")
def written(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A warehouse with two consents and one release."""
    store = Store(spark, str(tmp_path_factory.mktemp("written") / "warehouse"))
    with hold_warehouse(store):
        for number in (1, 2):
            store.append(CONSENTS, consent(number), application=None)
        append_release(store, RELEASE)
    return store


@pytest.fixture
def store(written: Store, tmp_path: Path) -> Store:
    shutil.copytree(written.location, tmp_path / "warehouse")
    return Store(written.spark, str(tmp_path / "warehouse"))


def folder_of(store: Store) -> Path:
    return Path(store.location)


def commits(store: Store, table: str) -> list[Path]:
    return sorted((folder_of(store) / table / "_delta_log").glob("*.json"))


def cut(commit: Path) -> None:
    """Leave the first line, by which a commit did nothing."""
    commit.write_text(commit.read_text().splitlines(keepends=True)[0])


def files(store: Store, table: str) -> list[Path]:
    return sorted((folder_of(store) / table).glob("*.parquet"))


def test_the_manifest_names_tables_their_versions_and_the_last_release(store: Store) -> None:
    sizes = {name: [it.stat().st_size for it in commits(store, name)] for name in ("runs", "consents", "releases")}
    assert json.loads((folder_of(store) / PLACE).read_text()) == {
        "tables": {"runs": 0, "consents": 2, "releases": 1},
        "release": 7,
        "suppression_key": None,
        "logs": {name: [0, sum(of_table)] for name, of_table in sizes.items()},
    }
    assert not store.exists(LABELS)
    assert store.fetch(LABELS).num_rows == 0


def test_a_run_does_not_begin_with_a_lost_or_damaged_table(store: Store) -> None:
    pristine = folder_of(store).with_name("pristine")
    shutil.copytree(folder_of(store), pristine)
    damages: dict[str, tuple[Callable[[], object], str]] = {
        "no table": (lambda: shutil.rmtree(folder_of(store) / "consents"), "table consents: got nothing at .*consents"),
        "no log": (lambda: shutil.rmtree(folder_of(store) / "consents" / "_delta_log"), "table consents: got nothing"),
        "no last commit": (
            commits(store, "consents")[-1].unlink,
            "got version 1 as the newest, .* version 2",
        ),
        "an empty commit": (lambda: commits(store, "consents")[1].write_text(""), "a log without its commit 1"),
        "a commit cut at the end of a line": (lambda: cut(commits(store, "consents")[1]), "a log of .* bytes, where"),
        "a blank commit": (lambda: commits(store, "consents")[2].write_text("\n"), "a log of .* bytes, where"),
        "a gap": (commits(store, "consents")[1].unlink, "a log without its commit 1"),
        "no first commit": (commits(store, "consents")[0].unlink, "a log without its commit 0"),
        "no releases": (lambda: shutil.rmtree(folder_of(store) / "releases"), "table releases: got nothing"),
        "no runs": (lambda: shutil.rmtree(folder_of(store) / "runs"), "table runs: got nothing"),
    }
    told = "Fix: restore the table's folder from a backup; or go back .* `cdp manifest rebuild --without"
    for name, (damage, message) in damages.items():
        damage()
        with pytest.raises(StateError, match=f"{message}.*{told}"), hold_warehouse(store):
            pytest.fail(name)
        shutil.rmtree(folder_of(store))
        shutil.copytree(pristine, folder_of(store))
    for table in ("consents", "releases"):
        shutil.rmtree(folder_of(store) / table)
    with pytest.raises(StateError, match=r"(?s)lost or damaged:.*- table consents.*- table releases"):
        store.guard.check_all()


def test_a_lost_or_damaged_table_is_never_read_as_empty(store: Store) -> None:
    lost, damaged = files(store, "consents")
    last = commits(store, "runs")[-1]
    last.write_bytes(bytes(last.stat().st_size))  # as a power cut leaves it
    with pytest.raises(StateError, match="table runs: got a log that cannot be read"):
        store.fetch(RUNS)
    original = damaged.read_bytes()
    damaged.write_bytes(original[:4] + bytes(56) + original[60:])
    with pytest.raises(StateError, match="table consents: got a file that cannot be read"):
        store.read(CONSENTS)
    damaged.write_bytes(original[:-9])
    with pytest.raises(StateError, match="table consents: got a file that has another size than was written, part-"):
        store.fetch(CONSENTS)
    damaged.write_bytes(original)
    lost.unlink()
    with pytest.raises(StateError, match="table consents: got a file that has been deleted, part-"):
        check_tables(store)
    shutil.rmtree(folder_of(store) / "consents")
    for read in (store.read, store.fetch, store.count, store.exists, store.version, store.create):
        with pytest.raises(StateError, match="table consents: got nothing at"):
            read(CONSENTS)


def test_releases_that_lost_the_last_one_are_not_no_release(store: Store) -> None:
    store.overwrite(RELEASES, RELEASES.table([]))
    with pytest.raises(StateError, match="table releases: got no release 7, although it was published"):
        current_release(store)


def test_tables_without_a_manifest_are_refused_until_it_is_rebuilt(store: Store) -> None:
    manifest = folder_of(store) / PLACE
    before = FileKeeper(folder_of(store)).read()
    for damage, got in ((manifest.unlink, "no manifest"), (lambda: manifest.write_text("{"), "a damaged manifest")):
        damage()
        with pytest.raises(StateError, match=rf"{got}\. Fix: .* run `cdp manifest rebuild`"):
            store.fetch(CONSENTS)
        assert rebuild_manifest(store) == before == FileKeeper(folder_of(store)).read()


def test_a_warehouse_that_another_thread_begins_meanwhile_has_its_manifest(store: Store) -> None:
    keeper = Mock(read=Mock(side_effect=[None, store.guard.read()]))
    assert replace(store.guard, keeper=keeper).read() == store.guard.read()


def test_a_manifest_is_not_rebuilt_over_a_loss_that_nobody_accepts(store: Store) -> None:
    shutil.rmtree(folder_of(store) / "consents")
    with pytest.raises(StateError, match="table consents: got nothing"):
        rebuild_manifest(store)
    assert rebuild_manifest(store, without=["consents"]).tables == {"runs": 0, "releases": 1}
    assert store.fetch(CONSENTS).num_rows == 0


def test_a_manifest_is_not_rebuilt_over_a_release_or_a_suppression_list_that_lost_its_rows(store: Store) -> None:
    store.append(
        SUPPRESSIONS, SUPPRESSIONS.table([("h", "ingest", "email", "k1-5a0c", NOW, "ann", "")]), application=None
    )
    store.guard.note_suppression_key("k1-5a0c")
    for spec in (RELEASES, SUPPRESSIONS):
        store.overwrite(spec, spec.table([]))
    lost = "(?s)no release 7, although it was published.*no entry of key k1-5a0c, although some were written"
    with pytest.raises(StateError, match=lost):
        rebuild_manifest(store)
    with pytest.raises(StateError, match=r"^table suppressions: got no entry of key k1-5a0c"):
        rebuild_manifest(store, without=["releases"])
    rebuilt = rebuild_manifest(store, without=["releases", "suppressions"])
    assert (rebuilt.release, rebuilt.suppression_key) == (None, None)


def test_a_process_that_was_killed_between_table_and_manifest_is_no_loss(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path / "warehouse"))
    store.guard.begin()  # killed before the first table
    assert store.fetch(CONSENTS).num_rows == 0
    with hold_warehouse(store):
        store.append(CONSENTS, consent(1), application=None)
    manifest = FileKeeper(folder_of(store))
    manifest.update(lambda _: Manifest({"runs": 0}))  # killed after the table was made
    with hold_warehouse(store):
        assert store.fetch(CONSENTS).num_rows == 1
        store.append(CONSENTS, consent(2), application=None)
    assert store.guard.read().tables == {"runs": 0, "consents": 2}
    (folder_of(store) / PLACE).with_suffix(".tmp").write_text("{")  # killed while the manifest was written
    store.append(CONSENTS, consent(3), application=None)
    assert store.guard.read().tables == {"runs": 0, "consents": 3}


def test_a_loss_of_what_was_deleted_or_restored_is_noticed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_REWRITTEN_ROWS", 0)  # so that it merges, as in a large table
    delete_matching(store, CONSENTS, AnyOf((c.CONTACT_POINT_HASH,), ("hash-1",)))
    assert store.count(CONSENTS) == 1
    deletion = commits(store, "consents")[-1]
    kept = deletion.read_bytes()
    deletion.unlink()
    with pytest.raises(StateError, match="table consents: got version 2 as the newest, although version 3 was written"):
        store.fetch(CONSENTS)
    deletion.write_bytes(kept)
    store.rewind(CONSENTS, 2)
    assert store.guard.read().tables["consents"] == 4


def test_writers_of_one_manifest_lose_none_of_their_tables(tmp_path: Path) -> None:
    names = [f"table_{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: FileKeeper(tmp_path).update(lambda it: it.with_table(name, 0)), names))
    assert FileKeeper(tmp_path).read() == Manifest(dict.fromkeys(names, 0))


def test_a_version_never_goes_back() -> None:
    manifest = Manifest({"runs": 3}, 7)
    assert manifest.with_table("runs", 2).with_release(5) == manifest
    assert manifest.with_table("runs", 4).with_release(8) == Manifest({"runs": 4}, 8)
    assert manifest.with_table("runs", 4, (0, 99)).with_table("runs", 5) == Manifest({"runs": 5}, 7)


def test_a_log_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    log = tmp_path / "_delta_log"
    assert read_log("runs", tmp_path) is None
    log.mkdir()
    assert read_log("runs", tmp_path) is None
    for name in (f"{7:020}.checkpoint.parquet", f"{8:020}.json", f"{9:020}.json", f"{9:020}.crc", ".tmp"):
        (log / name).write_text("{}")
    assert read_log("runs", tmp_path) == Log(9, {8: 2, 9: 2})


def test_the_size_of_a_log_is_compared_as_long_as_all_of_it_is_there() -> None:
    log = Log(9, {3: 1, 6: 10, 7: 20, 8: 40, 9: 80})
    assert [log.size_until(version) for version in (9, 7, 3, 5)] == [(6, 150), (6, 30), (3, 1), None]
    assert [log.size_until(8, first=first) for first in (6, 8, 5)] == [(6, 70), (8, 40), None]


def test_a_schema_keeps_its_manifest_as_a_property_of_a_table(spark: SparkSession, tmp_path: Path) -> None:
    schema = f"cdp_{abs(hash(str(tmp_path)))}"
    spark.sql(f"CREATE SCHEMA {schema}")
    try:
        store = Store(spark, schema, kind="schema")
        store.append(CONSENTS, consent(1), application=None)
        store.guard.note_release(7)
        again = Store(spark, schema, kind="schema")
        assert again.guard.read() == Manifest({"consents": 0}, 7)
        spark.sql(f"DROP TABLE {schema}.consents")
        with pytest.raises(StateError, match=f"table consents: got nothing at {schema}.consents"):
            again.read(CONSENTS)
    finally:
        spark.sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.mark.parametrize(
    ("fails", "spec"),
    [
        ("cdp_spark.tables.direct.table.write_deltalake", CONSENTS),
        ("cdp_spark.tables.store.create_in_folder", LABELS),
        ("cdp_spark.tables.manifest.keepers.FileKeeper._write", LABELS),
    ],
)
def test_a_full_disk_is_told_as_one(store: Store, monkeypatch: pytest.MonkeyPatch, fails: str, spec: TableSpec) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("Generic LocalFileSystem error: No space left on device (os error 28)")

    monkeypatch.setattr(fails, fail)
    with pytest.raises(StateError, match=rf"^warehouse .*: table {spec.name}: got a full disk\. Fix: free space"):
        store.append(spec, consent(3) if spec is CONSENTS else spec.table([]), application=None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[FAILED_READ_FILE.FILE_NOT_EXIST] file:///w/profiles/part-00000.parquet ann@x.org",
            "table profiles: got damage (FAILED_READ_FILE.FILE_NOT_EXIST)",
        ),
        (
            "[DELTA_TRUNCATED_TRANSACTION_LOG] file:/w/unified_ids/_delta_log: cannot reconstruct",
            "table unified_ids: got damage (DELTA_TRUNCATED_TRANSACTION_LOG)",
        ),
        (
            "[FAILED_READ_FILE.NO_HINT] file:///in/till/part-0.parquet",
            "stage events: got a file that is missing or broken (FAILED_READ_FILE.NO_HINT)",
        ),
        ("java.io.IOException: No space left on device", "stage events: got a full disk (IOException)"),
    ],
)
def test_a_damaged_table_is_named_by_what_spark_says(text: str, told: str) -> None:
    found = explain(PySparkException(text), "stage events")
    assert str(found).partition(". Fix")[0] == told
