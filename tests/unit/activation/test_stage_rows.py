"""Rows from a release to a webhook and back into the ledger, night after night."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from tests.unit.activation.receiver import SECRET, Receiver, Reply, receiver
from tests.unit.activation.released import Warehouse7, consent, destination, profile

from cdp_spark.activation import stage_rows
from cdp_spark.activation.ledger import Entry
from cdp_spark.activation.planning import rows_of, warn_of_left_rows
from cdp_spark.activation.sending import senders
from cdp_spark.activation.stage import run
from cdp_spark.config.destination import DestinationsConfig, WebhookDestination
from cdp_spark.errors import StateError
from cdp_spark.privacy.rules import RULES
from cdp_spark.tables.actions.removal import AnyOf
from cdp_spark.tables.catalog import DELIVERY_ATTEMPTS, ID_REGISTRY, TO_SEND
from cdp_spark.tables.run import LastFinish, RunContext, StageResult


class Nights:
    """Runs the stage for one release after the other."""

    def __init__(self, warehouse: Warehouse7) -> None:
        self.warehouse = warehouse
        self.ordinal = 7
        self.metrics: dict[str, float] = {}

    def fill(self, *ids: str, city: str = "Bonn") -> None:
        """Replace the members; all of a, b and d have consented."""
        consents = [consent(f"{it}@x.org", "granted") for it in "abd"]
        self.warehouse.fill([profile(it, city=city) for it in ids], consents)

    def run(self, *destinations: Any) -> StageResult:
        self.ordinal += 1
        last = LastFinish(self.ordinal - 1, {}, {}, self.metrics)
        settings = {"ordinal": self.ordinal, "run_id": f"run-{self.ordinal}", "last": last}
        self.metrics = {}
        result = run(self.warehouse.context(*destinations, **settings))
        self.metrics = dict(result.metrics)
        return result

    def state(self, *names: str) -> list[tuple[Any, ...]]:
        rows = self.warehouse.store.fetch(TO_SEND).sort_by("unified_id").to_pylist()
        return [tuple(row[name] for name in names) for row in rows]


@pytest.fixture
def nights(spark: SparkSession, tmp_path: Path) -> Nights:
    return Nights(Warehouse7(spark, tmp_path))


def webhook(state: Receiver, **values: Any) -> WebhookDestination:
    defaults = {"columns": ("email", "city"), "purpose": "mail", "segment": "all", "private_addresses": True}
    return WebhookDestination(name="crm", kind="webhook", url=state.url, **{**defaults, "secret": SECRET, **values})


def actions(request: dict[str, Any]) -> list[tuple[str, str]]:
    return [(row["action"], row["unified_id"]) for row in request["rows"]]


def test_each_night_sends_what_the_receiver_does_not_have(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as state:
        crm = webhook(state)
        nights.fill("a", "b", "c")
        result = nights.run(crm, destination("files"))
        assert actions(state.requests[-1]) == [("add", "a"), ("add", "b")]
        assert state.requests[-1]["rows"][0]["values"] == {"email": "a@x.org", "city": "Bonn"}
        assert "crm: 2 rows sent, 1 withheld: no consent" in result.detail
        assert result.warnings == ()

        with monkeypatch.context() as patched:
            patched.setattr(stage_rows, "fetch_audience", lambda *_: pytest.fail("the audience was fetched"))
            nights.run(crm)

        nights.fill("a", "c", "d")
        nights.run(crm)
        assert actions(state.requests[-1]) == [("remove", "b"), ("add", "d")]
        nights.fill("a", city="Köln")
        nights.run(crm)
        assert actions(state.requests[-1]) == [("remove", "d"), ("update", "a")]
        assert (state.rows, state.repeated) == ({"a": {"email": "a@x.org", "city": "Köln"}}, 0)
        nights.warehouse.withdraw("a@x.org")
        result = nights.run(webhook(state, min_members=9))
        assert (state.rows, "crm: skipped" in result.detail) == ({}, True)
    columns = ("unified_id", "sequence", "action", "status", "tries", "is_certain")
    assert nights.state(*columns) == [
        ("a", 3, "remove", "acknowledged", 1, True),
        ("b", 2, "remove", "acknowledged", 1, True),
        ("d", 2, "remove", "acknowledged", 1, True),
    ]
    steps = (
        nights.warehouse.store.fetch(DELIVERY_ATTEMPTS, only={"unified_id": pa.array(["b"])})
        .sort_by("at_utc")
        .to_pylist()
    )
    assert [(it["action"], it["status"], it["release"], it["run_id"]) for it in steps] == [
        ("add", "sending", 8, "run-8"),
        ("add", "acknowledged", 8, "run-8"),
        ("remove", "sending", 10, "run-10"),
        ("remove", "acknowledged", 10, "run-10"),
    ]


def test_what_failed_goes_again_the_next_night_and_stops_no_other(nights: Nights) -> None:
    nights.fill("a", "b")
    with receiver(lambda _number, _rows: Reply(403, "who is Jo?")) as down, receiver() as up:
        crm, other = webhook(down), webhook(up).model_copy(update={"name": "other"})
        with pytest.raises(StateError, match=r"destination crm at http.*: got HTTP 403\. Fix: ") as raised:
            nights.run(crm, other, destination("files"))
        assert "Jo" not in str(raised.value)
        assert sorted(up.rows) == ["a", "b"]
        assert (nights.warehouse.folder / "exports" / "files" / "release=8").is_dir()
        down.answer = lambda _number, rows: Reply(422) if rows[0]["unified_id"] == "b" else Reply()
        result = nights.run(crm.model_copy(update={"batch_size": 1}), other)
        assert result.warnings == ("destination crm: 1 refused; the table delivery_attempts says why",)
        assert (sorted(down.rows), up.repeated) == (["a"], 0)
        down.answer = lambda _number, _rows: Reply()
        assert nights.run(crm, other).metrics["crm.acknowledged"] == 1.0
        assert (sorted(down.rows), len(up.requests)) == (["a", "b"], 1)


def test_rows_wait_for_the_cap_and_for_the_morning(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    asleep, awake = {"zone": "Asia/Tokyo"}, {"zone": "Europe/Berlin"}
    people = [profile(it, attributes=asleep if it == "a" else awake) for it in "ab"]
    nights.warehouse.fill(people, [consent(f"{it}@x.org", "granted") for it in "abd"])
    clock = SimpleNamespace(now=lambda _zone: datetime(2026, 1, 9, 14, tzinfo=UTC))
    with receiver() as state, receiver() as texting:
        low = webhook(state, channel="email")
        high = webhook(state, channel="email", priority=5, segment="buyers").model_copy(update={"name": "high"})
        sms = webhook(texting, channel="sms").model_copy(update={"name": "sms"})
        with monkeypatch.context() as patched:
            patched.setattr(stage_rows, "datetime", clock)
            result = nights.run(low, high, sms)
        assert sorted((it["destination"], actions(it)) for it in state.requests) == [
            ("crm", [("add", "b")]),
            ("high", [("add", "a")]),
        ]
        assert actions(texting.requests[-1]) == [("add", "b")]
        assert "crm: 1 rows sent, 1 withheld: over the channel's cap" in result.detail
        assert "sms: 1 rows sent, 1 withheld: quiet hours" in result.detail
        assert result.warnings == ()
        clock.now = lambda _zone: datetime(2026, 1, 10, 1, tzinfo=UTC)
        monkeypatch.setattr(stage_rows, "datetime", clock)
        nights.run(low, high, sms)
        assert (len(state.requests), actions(texting.requests[-1])) == (2, [("add", "a")])
        nights.warehouse.write(ID_REGISTRY, ("b", "person", "merged", "d", None, 1, 10, "new_record"))
        nights.warehouse.fill([people[0], profile("d", attributes=awake)], [consent("d@x.org", "granted")])
        assert "crm: 1 rows sent, 2 withheld: over the channel's cap" in nights.run(low, high, sms).detail
        clock.now = lambda _zone: datetime(2126, 1, 10, 1, tzinfo=UTC)
        nights.run(low, high, sms)
        assert (state.requests[-1]["destination"], actions(state.requests[-1])) == ("crm", [("add", "a"), ("add", "d")])


def test_files_of_changes_have_what_differs_from_the_last_one(nights: Nights) -> None:
    changes = destination("files", mode="diff", columns=("city", "email"))

    def night(*ids: str, city: str = "Bonn") -> str:
        nights.fill(*ids, city=city)
        nights.run(changes)
        folder = nights.warehouse.folder / f"exports/files/release={nights.ordinal}/run=run-{nights.ordinal}"
        return "".join(file.read_text() for file in folder.glob("part-*.csv"))

    assert night("a", "b", "c") == "action,unified_id,city,email\nadd,a,Bonn,a@x.org\nadd,b,Bonn,b@x.org\n"
    assert night("a", "b") == ""
    assert night("a", city="Köln") == "action,unified_id,city,email\nremove,b,,\nupdate,a,Köln,a@x.org\n"


def test_a_destination_that_was_renamed_is_told_of_with_what_it_left_behind() -> None:
    entries = [Entry("a", "t", sent_hash="h"), Entry("b", "t"), Entry("c", "t", sent_hash="h")]
    state = TO_SEND.table([row for name in ("old", "new") for row in rows_of(name, entries, TO_SEND.schema.names)])
    assert list(warn_of_left_rows(state, ["new", "other"])) == [
        "destination old is not configured, and keeps 2 rows that it was sent: "
        "docs/activation.md says how they are taken back"
    ]


def test_a_project_without_destinations_of_rows_asks_nothing() -> None:
    project = SimpleNamespace(destinations=DestinationsConfig(destinations=(destination("files"),)))
    context = RunContext(cast("Any", None), cast("Any", project), "run-1", 1, datetime(2026, 1, 9, tzinfo=UTC))
    assert stage_rows.deliver_rows(context) == stage_rows.RowDeliveries([], {})


def test_erased_people_are_told_and_leave_the_ledger() -> None:
    with receiver() as state:
        state.rows = {"a": {}, "b": {}}
        told = senders.tell_erased_rows(webhook(state), ("b", "merged"), release=9)
        assert (told.status, told.row_count) == ("delivered", 2)
        assert actions(state.requests[-1]) == [("erase", "b"), ("erase", "merged")]
        senders.tell_erased_rows(webhook(state), ("b", "merged"), release=9)
        assert (sorted(state.rows), state.repeated) == (["a"], 2)
        state.answer = lambda _number, _rows: Reply(422)
        refused = senders.tell_erased_rows(webhook(state), ("a",), release=9)
        assert (refused.status, refused.problem) == ("failed", "1 erased profiles not acknowledged")

    class Traces:
        names = ("b",)

    for spec in (TO_SEND, DELIVERY_ATTEMPTS):
        assert RULES[spec.name](Traces()) == (AnyOf(("unified_id",), ("b",)),)  # type: ignore[arg-type]
