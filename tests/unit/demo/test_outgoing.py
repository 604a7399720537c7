"""What the demo shows of its segments' way out; no Spark."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cdp_spark.activation.destinations.interface import Row
from cdp_spark.activation.destinations.webhook import WebhookSender
from cdp_spark.config.load import load_project
from cdp_spark.demo import outgoing
from cdp_spark.demo.outgoing import Outgoing, delivering, find_outgoing
from cdp_spark.demo.receiver import NAME, Request, destination_of, open_receiver
from cdp_spark.tables.catalog import DELIVERY_ATTEMPTS, SEGMENT_MEMBERS
from cdp_spark.tables.spec import TableSpec

CONF = Path(__file__).parents[3] / "conf"
AT = datetime(2026, 2, 1, tzinfo=UTC)


class Tables:
    """A warehouse whose tables are in memory."""

    def __init__(self, rows: dict[str, list[tuple[object, ...]]]) -> None:
        self._rows = rows

    def fetch(self, spec: TableSpec, columns: tuple[str, ...], *, only: Any = None, version: int | None = None) -> Any:
        assert version == (1 if spec is SEGMENT_MEMBERS else None)
        rows = spec.table(self._rows.get(spec.name, []))
        for name, values in (only or {}).items():
            rows = rows.filter(pa.compute.is_in(rows[name], value_set=values))
        return rows.select(columns)


def attempt(key: str, status: str, run_id: str = "run-1") -> tuple[object, ...]:
    return (NAME, f"u{key}", key, 1, "add", status, None, AT, 1, run_id)


def member(segment: str, unified_id: str, exited: datetime | None = None) -> tuple[object, ...]:
    return (segment, unified_id, AT, exited, "h", None)


def test_segments_that_share_members_are_listed_with_the_ledger_of_the_run() -> None:
    store = Tables(
        {
            SEGMENT_MEMBERS.name: [
                *(member("a", name) for name in "123"),
                *(member("b", name) for name in "12"),
                member("b", "3", exited=AT),
                member("c", "9"),
            ],
            DELIVERY_ATTEMPTS.name: [
                *(attempt(key, status) for key in "12" for status in ("acknowledged", "sending")),
                attempt("3", "sending", run_id="an earlier run"),
            ],
        }
    )
    with open_receiver() as receiver:
        receiver.requests.append(Request("0123456789", 2, 503))
        found = find_outgoing(store, receiver, run_id="run-1", versions={SEGMENT_MEMBERS.name: 1})  # type: ignore[arg-type]
    assert found == Outgoing(
        overlaps=({"segment": "a", "and": "b", "shared": 2, "of the smaller": "100%"},),
        requests=({"request": "01234567", "rows": 2, "answer": 503},),
        ledger=(
            {"destination": NAME, "attempt": 1, "action": "add", "status": "sending", "rows": 2},
            {"destination": NAME, "attempt": 1, "action": "add", "status": "acknowledged", "rows": 2},
        ),
    )
    assert find_outgoing(store, None, run_id="run-1", versions={}) == Outgoing()  # type: ignore[arg-type]


def test_a_receiver_that_fails_once_has_every_row_in_the_end() -> None:
    rows = [Row(name, "add", f"key-{name}", {"email": f"{name}@x.org"}) for name in "ab"]
    with open_receiver() as receiver:
        sender = WebhookSender.of(destination_of(receiver, segments=("all",), columns=("email",), purpose="mail"))
        assert [fate.status for fate in sender.send(rows)] == ["acknowledged", "acknowledged"]
        sender.send([*rows[:1], Row("b", "remove", "key-b-2")])
    assert [(it.rows, it.status) for it in receiver.requests] == [(2, 503), (2, 200), (2, 200)]
    assert receiver.requests[0].message_id == receiver.requests[1].message_id
    assert receiver.people == {"a": {"email": "a@x.org"}}


def test_a_receiver_takes_no_row_with_another_signature() -> None:
    with open_receiver(failures=0) as receiver:
        destination = destination_of(receiver, segments=("all",), columns=("email",), purpose="mail")
        forged = destination.model_copy(update={"secret": "whsec_YW5vdGhlcg=="})
        [fate] = WebhookSender.of(forged).send([Row("a", "add", "key-a", {})])
    assert (fate.status, receiver.people) == ("unsent", {})


def test_the_demo_sends_to_the_receiver_what_it_exports_first(monkeypatch: pytest.MonkeyPatch) -> None:
    project = load_project(CONF, env={})
    first = project.destinations.files[0]
    with delivering(project) as (sending, receiver):
        added = sending.destinations.rows[-1]
        assert receiver is not None
        assert (added.name, added.included, added.purpose) == (NAME, first.included, first.purpose)
        assert (str(added.url), repr(added.url)) == (receiver.url, "'${CDP_DEMO_RECEIVER}'")  # type: ignore[union-attr]
    monkeypatch.setattr(outgoing, "find_spec", lambda _name: None)
    with delivering(project) as (same, none):
        assert (same, none) == (project, None)
