"""Rows from the ledger to drt and back, night after night."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from tests.unit.activation.drt.outcome import drt_ran
from tests.unit.activation.drt.test_drt import crm
from tests.unit.activation.released import AS_OF, Warehouse7, consent, profile

from cdp_spark.activation.drt.project import read_rows
from cdp_spark.activation.handover import hand_over_rows, take_results
from cdp_spark.activation.sending.senders import tell_erased_rows
from cdp_spark.activation.stage import run
from cdp_spark.config.destination import DrtDestination
from cdp_spark.errors import ConfigError, StateError
from cdp_spark.tables.catalog import DELIVERIES, DELIVERY_ATTEMPTS, SEGMENTS, TO_SEND
from cdp_spark.tables.run import RunContext


def simple(**values: Any) -> DrtDestination:
    return crm(columns=("email", "city"), sync={}, **values)


def context(warehouse: Warehouse7, ordinal: int, destination: DrtDestination) -> RunContext:
    return warehouse.context(destination, ordinal=ordinal, run_id=f"run-{ordinal}")


def test_what_drt_acknowledged_is_not_sent_again(spark: SparkSession, tmp_path: Path) -> None:
    warehouse, folder, crm = Warehouse7(spark, tmp_path), tmp_path / "drt", simple()
    granted = [consent(f"{it}@x.org", "granted") for it in "abc"]
    warehouse.fill([profile(it, city="Bonn") for it in "abc"], granted)
    first = context(warehouse, 8, crm)
    assert "crm: 3 ready for `cdp activation export`" in run(first).detail

    warehouse.withdraw("c@x.org")
    [handed] = hand_over_rows(replace(first, run_id="export-1"), [crm], folder)
    assert ([it.row.unified_id for it in handed.rows], handed.left_out) == (["a", "b"], 1)
    assert [row["values"] for row in read_rows(folder, "crm")] == [
        {"email": "a@x.org", "city": "Bonn"},
        {"email": "b@x.org", "city": "Bonn"},
    ]
    letter = {"record": {"email": "b@x.org", "city": "Bonn"}, "error_message": "no", "http_status": 400}
    drt_ran(folder, {"name": "crm", "rows_synced": 1, "rows_failed": 1}, refused={"crm": [letter]})
    for _ in range(2):  # reading the same results again changes nothing
        take_results(replace(first, run_id="export-1"), folder)
    attempts = warehouse.store.fetch(DELIVERY_ATTEMPTS).sort_by("unified_id").to_pylist()
    assert sorted((it["unified_id"], it["attempt"], it["status"], it["reason"]) for it in attempts) == [
        ("a", 1, "acknowledged", None),
        ("a", 1, "sending", None),
        ("b", 1, "refused", "HTTP 400: no"),
        ("b", 1, "sending", None),
    ]
    delivered = warehouse.store.fetch(DELIVERIES).to_pylist()
    assert sorted((it["row_count"], it["location"]) for it in delivered) == [(0, "drt:hubspot"), (1, "drt:hubspot")]

    warehouse.fill([profile("b", city="Bonn")], granted)
    run(context(warehouse, 9, crm))
    state = warehouse.store.fetch(TO_SEND).sort_by("unified_id").to_pylist()
    assert [(it["unified_id"], it["action"], it["status"], it["tries"]) for it in state] == [
        ("a", "remove", "pending", 0),
        ("b", "add", "refused", 1),
        ("c", None, "acknowledged", 0),
    ]
    [handed] = hand_over_rows(context(warehouse, 9, crm), [crm], folder)
    assert [(it.row.action, it.row.unified_id, it.attempt) for it in handed.rows] == [
        ("remove", "a", 1),
        ("add", "b", 2),
    ]

    with pytest.raises(ConfigError, match="got rows of crm; allowed: no destination"):
        take_results(warehouse.context(), folder)
    shutil.rmtree(folder)


def test_a_channel_sends_no_more_than_its_cap_through_drt(spark: SparkSession, tmp_path: Path) -> None:
    warehouse, first = Warehouse7(spark, tmp_path), simple(channel="email")
    other = simple(name="news", channel="email", priority=1, segment="vips")
    warehouse.fill([profile(it) for it in "ab"], [consent(f"{it}@x.org", "granted") for it in "ab"])
    night = warehouse.context(first, other, ordinal=8, run_id="run-8")
    assert run(night).detail == "crm: 2 ready for `cdp activation export`; news: 1 ready for `cdp activation export`"
    handed = hand_over_rows(night, [first, other], tmp_path / "drt")
    assert [([row.row.unified_id for row in it.rows], it.left_out) for it in handed] == [(["b"], 1), (["a"], 0)]


def test_a_segment_that_could_not_be_evaluated_holds_the_hand_over_to_drt(spark: SparkSession, tmp_path: Path) -> None:
    warehouse, crm = Warehouse7(spark, tmp_path), simple()
    warehouse.write(SEGMENTS, ("all", "person", "", "h", AS_OF, "failed", "not computed: trait.orders", 1))
    held = "destination crm: held, segment all could not be evaluated: not computed: trait.orders"
    with pytest.raises(StateError, match=held):
        hand_over_rows(context(warehouse, 8, crm), [crm], tmp_path / "drt")
    assert not (tmp_path / "drt").exists()


def test_an_erasure_says_that_drt_is_not_told() -> None:
    told = tell_erased_rows(simple(), ("a",), release=9)
    assert (told.status, told.problem) == ("held", "delete the erased people there: drt is not told of them")
