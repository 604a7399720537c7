"""Another configuration, tried beside a small warehouse."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.unit.matched_shop import AS_OF, Shop

from cdp_spark.config.load import load_project
from cdp_spark.errors import StateError
from cdp_spark.runs.comparison.what_if import what_if
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import run_stages
from cdp_spark.tables.catalog import TABLES, UNIFIED_IDS
from cdp_spark.tables.store import Store

pytestmark = pytest.mark.slow


def other_project(shop: Shop, folder: Path, **changes: dict[str, str]) -> Any:
    """The shop's configuration elsewhere; `match={old: new}` changes match.yaml."""
    shutil.copytree(shop.folder, folder, ignore=shutil.ignore_patterns("warehouse"))
    for name, replaced in changes.items():
        path = folder / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    for name in ("all_people", "springfield"):
        where = "city = 'Springfield'" if name == "springfield" else "record_count >= 1"
        (folder / "segments" / f"{name}.yaml").write_text(f'name: {name}\nmembers: {{where: "{where}"}}\n')
    return load_project(folder)


def versions(store: Store) -> dict[str, int]:
    return {name: store.version(spec) for name, spec in TABLES.items() if store.exists(spec)}


def test_a_changed_configuration_is_shown_and_changes_nothing(own_shop: Shop, tmp_path: Path) -> None:
    store, project = own_shop.store, other_project(own_shop, tmp_path / "now")
    with pytest.raises(StateError, match="no release yet"):
        what_if(store, project, project, Store(store.spark, str(tmp_path / "early")), RunOptions())
    run_stages(store, project, RunOptions(as_of=AS_OF), first="matching", last="publish")
    before = versions(store)

    place = Store(store.spark, str(tmp_path / "same"))
    same = what_if(store, project, project, place, RunOptions(), first="clustering")
    records = store.read(UNIFIED_IDS).count()
    assert {name: count for name, count in same.ids.records.items() if count} == {"unchanged": records}
    assert {(it.before == it.now, it.enters, it.exits) for it in same.segments.values()} == {(True, 0, 0)}
    assert (same.fitted, same.notes) == ((), ())

    strict = other_project(
        own_shop,
        tmp_path / "strict",
        match={
            "person:\n": "person:\n  clustering: {threshold_log2: 90}\n",
            "    - {name: phone, method: phone, columns: phone}\n": "",
        },
        project={"namespace: ": "namespace: 00000000-0000-0000-0000-00000000000a # "},
    )
    (tmp_path / "strict" / "segments" / "all_people.yaml").unlink()
    found = what_if(
        store, project, load_project(tmp_path / "strict"), Store(store.spark, str(tmp_path / "x")), RunOptions()
    )
    assert strict.settings.namespace != project.settings.namespace
    assert found.fitted == ("person",)  # other comparisons get a model of their own
    assert found.ids.records["split"] == 20
    assert len(found.ids.examples["split"]) == 5
    assert found.profiles["person"] == (60, 80)
    gone, kept = found.segments["all_people"], found.segments["springfield"]
    assert (gone.before, gone.now, gone.exits) == (60, None, 60)
    assert (kept.before, kept.now, kept.enters, kept.exits) == (60, 80, 20, 0)
    assert len(kept.examples["enters"]) == 5
    assert [note.split(":")[0] for note in found.notes] == ["the namespace differs"]
    assert versions(store) == before
    with pytest.raises(StateError, match="allowed: nothing yet"):
        what_if(store, project, project, place, RunOptions())
