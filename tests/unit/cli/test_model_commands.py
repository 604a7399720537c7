"""The commands that keep match models, on a small warehouse."""

from __future__ import annotations

import json
from pathlib import Path

from pyspark.sql import functions as F
from tests.unit.cli.calls import Calls
from tests.unit.matched_shop import Shop

from cdp_spark.resolution.model import FORMAT
from cdp_spark.tables.catalog import MATCH_MODELS


def test_models_are_compared_fitted_by_labels_and_exchanged(own_shop: Shop, tmp_path: Path) -> None:
    calls = Calls(own_shop)
    assert "no label in force" in str(calls.error("model", "fit", "--labels"))
    calls.text("unlink", "crm:3", "web:3", "--author", "ann")
    [fitted] = calls.json("model", "fit", "--labels")
    assert (fitted["version"], fitted["labels"]) == (2, 1)
    compared = calls.json("model", "compare", 1, 2)
    pairs = compared["pairs"]
    assert pairs["pairs"] == sum(
        pairs[name] for name in ("deterministic", "both", "only_first", "only_second", "neither")
    )
    assert {level["comparison"] for level in compared["levels"]} >= {"email", "address"}
    assert "pairs of the last run at" in calls.text("model", "compare", 1, 2)
    assert "match model 9 of person: got no such version; allowed: 1, 2" in str(calls.error("model", "compare", 1, 9))
    file = tmp_path / "splink.json"
    assert "comparison name (name)" in str(calls.error("model", "export", "--splink", file))
    [written] = calls.json("model", "export", "--splink", file, "--leave-out", "--records", tmp_path / "records")
    assert written["comparisons"] == len(json.loads(file.read_text())["comparisons"])
    assert own_shop.store.spark.read.parquet(str(tmp_path / "records")).count() == 80
    assert "method name, which Splink cannot have" in str(calls.error("model", "import", "--splink", file))


def test_an_older_model_comes_back_as_the_next_version(own_shop: Shop) -> None:
    calls, store = Calls(own_shop), own_shop.store
    calls.text("unlink", "crm:3", "web:3", "--author", "ann")
    calls.text("model", "fit", "--labels")
    assert "the newest version, which is applied anyway" in str(calls.error("model", "restore", 2))
    assert calls.json("model", "restore", 1) == [{"entity": "person", "version": 3, "restored": 1}]
    models = {row["model_version"]: row["model_json"] for row in store.read(MATCH_MODELS).collect()}
    assert (models[3] == models[1], models[3] == models[2]) == (True, False)
    listed = calls.json("model", "list")
    assert [it["version"] for it in listed] == [3, 2, 1]
    assert listed[0]["by"].startswith("restored-1-")
    match = own_shop.folder / "match.yaml"
    match.write_text(match.read_text(encoding="utf-8").replace("[family_name], ", "").replace("length: 3", "length: 4"))
    assert "a model of other rules or comparisons" in str(calls.error("model", "restore", 1))


def test_a_model_of_another_release_is_listed_and_nothing_else(own_shop: Shop) -> None:
    calls, store = Calls(own_shop), own_shop.store
    newer = store.read(MATCH_MODELS).withColumns(
        {"model_version": F.lit(2), "model_json": F.regexp_replace("model_json", r'"format": \d+', '"format": 99')}
    )
    store.append(MATCH_MODELS, newer, application=None)
    listed = calls.json("model", "list")
    assert (listed[0]["version"], listed[0]["rules"], listed[0]["converged"]) == (2, "another format", None)
    assert f"format 99; allowed: format {FORMAT} or an earlier one" in str(calls.error("model", "compare", 1, 2))
