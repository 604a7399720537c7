from pathlib import Path

import pyarrow.parquet as pq
import pytest
from benchmarks import packaged
from benchmarks.packaged import Packaged, why_missing, write_packaged
from pyarrow import csv

_FILE = "rec_id, given_name, postcode\nrec-7-org, Ann, 0123\nrec-7-dup-0, , 0123\nrec-12-org, Bea, 4011\n"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that ships a set, and fails when it is imported."""
    module = tmp_path / "shipping_package"
    module.mkdir()
    (module / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    (module / "set.csv").write_text(_FILE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Packaged("shipping_package", ("set.csv",), ("rec_id",), "rec_id", r"^rec-(?P<entity_id>\d+)-", "any")
    missing = Packaged("no_such_package", ("set.csv",), (), "rec_id", r"(?P<entity_id>.+)", "any")
    monkeypatch.setattr(packaged, "PACKAGED", {"found": found, "missing": missing})


@pytest.mark.usefixtures("shipped")
def test_a_packages_set_is_read_without_importing_it_and_its_ids_give_nothing_away(tmp_path: Path) -> None:
    records, truth = tmp_path / "records.csv", tmp_path / "truth.parquet"
    write_packaged("found", records=records, truth=truth)
    table, who = csv.read_csv(records), pq.read_table(truth)
    assert table.column_names == ["record_id", "given_name", "postcode"]
    assert table["record_id"].to_pylist() == who["record_id"].to_pylist() == ["r000000", "r000001", "r000002"]
    assert sorted(who["entity_id"].to_pylist()) == ["12", "7", "7"]
    assert '"0123"' in records.read_text(encoding="utf-8")


@pytest.mark.usefixtures("shipped")
def test_a_set_of_a_package_that_is_not_installed_says_what_to_install() -> None:
    assert why_missing("found") is None
    assert why_missing("missing") == "missing: not measured, the package is not installed (pip install no_such_package)"
