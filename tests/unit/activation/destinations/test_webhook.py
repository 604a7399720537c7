"""Webhooks against a real server: what each kind of answer makes of the rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.activation.receiver import SECRET, Answering, Receiver, Reply, receiver

from cdp_spark.activation.destinations.http import Poster
from cdp_spark.activation.destinations.interface import Fate, Row
from cdp_spark.activation.destinations.webhook import WebhookSender
from cdp_spark.config.destination import RowErrors, WebhookDestination

ROWS = [
    Row("a", "add", "key-a", {"email": "a@x.org", "city": None}),
    Row("b", "update", "key-b", {"email": "b@x.org", "city": "Ürüm 😀"}),
    Row("c", "remove", "key-c"),
    Row("d", "add", "key-d", {"email": '=1+1\n"', "city": "x"}),
]
OK = Fate("acknowledged")
LISTED = RowErrors(found_at="result.errors", row="row", message="why")


def destination(url: str, **values: Any) -> WebhookDestination:
    defaults = {"columns": ("email", "city"), "purpose": "mail", "segment": "all", "private_addresses": True}
    return WebhookDestination(name="crm", kind="webhook", url=url, **{**defaults, "secret": SECRET, **values})


def sender(state: Receiver, waits: list[float], **values: Any) -> WebhookSender:
    made = WebhookSender.of(destination(state.url, **values))
    return replace(made, poster=replace(made.poster, sleep=waits.append, jitter=lambda: 0.5))


def answers(*replies: Reply) -> Answering:
    return lambda number, _rows: replies[min(number, len(replies) - 1)]


def test_rows_arrive_signed_with_their_keys() -> None:
    with receiver() as state:
        assert sender(state, []).send(ROWS[:3]) == [OK, OK, OK]
        assert sender(state, [], nulls="keep").send(ROWS[:1]) == [OK]
    first, kept = state.requests
    assert first == {
        "destination": "crm",
        "segment": "all",
        "rows": [
            {"key": "key-a", "action": "add", "unified_id": "a", "values": {"email": "a@x.org", "city": None}},
            {"key": "key-b", "action": "update", "unified_id": "b", "values": {"email": "b@x.org", "city": "Ürüm 😀"}},
            {"key": "key-c", "action": "remove", "unified_id": "c", "values": {}},
        ],
    }
    assert kept["rows"][0]["values"] == {"email": "a@x.org"}


def test_a_field_of_ten_megabytes_arrives_whole() -> None:
    text = "ü\n😀" * 2_000_000
    with receiver() as state:
        assert sender(state, []).send([Row("a", "add", "key-a", {"email": text})]) == [OK]
    assert state.rows == {"a": {"email": text}}


def test_what_may_pass_is_tried_again_with_the_same_id() -> None:
    busy = Reply(429, headers={"retry-after": "7"})
    with receiver(answers(Reply(500), busy, Reply(503), Reply())) as state:
        waits: list[float] = []
        assert sender(state, waits).send(ROWS) == [OK] * 4
    assert waits == [1.0, 7.0, 4.0]
    assert len({headers["webhook-id"] for headers in state.headers}) == 1


@pytest.mark.parametrize(
    ("reply", "expected", "requests"),
    [
        (Reply(500, "oh no"), Fate("unknown", "HTTP 500", "oh no"), 4),
        (Reply(429, "slower"), Fate("unsent", "HTTP 429", "slower", stops=True), 4),
        (Reply(429, headers={"retry-after": "3600"}), Fate("unsent", "HTTP 429", "{}", stops=True), 1),
        (Reply(302, "", {"location": "/there"}), Fate("unsent", "HTTP 302, a redirect", "", stops=True), 1),
        (Reply(404, "nothing here"), Fate("unsent", "HTTP 404", "nothing here", stops=True), 1),
        (Reply(422, "bad  row"), Fate("refused", "HTTP 422", "bad row"), 1),
        (Reply(207), Fate("unknown", "HTTP 207, whose rows `row_errors` must name", "{}"), 1),
    ],
)
def test_answers(reply: Reply, expected: Fate, requests: int) -> None:
    with receiver(answers(reply)) as state:
        assert sender(state, []).send(ROWS[:1]) == [expected]
    assert len(state.requests) == requests


def test_a_wrong_secret_stops_the_destination_and_refuses_no_row() -> None:
    with receiver(secret="whsec_b3RoZXI=") as state:
        assert sender(state, []).send(ROWS[:2]) == [Fate("unsent", "HTTP 401", "wrong signature", stops=True)] * 2
    assert state.rows == {}


def test_one_bad_row_does_not_keep_its_batch_out() -> None:
    def refuse_d(_number: int, rows: list[dict[str, Any]]) -> Reply:
        return Reply(400, "bad") if any(row["unified_id"] == "d" for row in rows) else Reply()

    with receiver(refuse_d) as state:
        assert sender(state, []).send(ROWS) == [OK, OK, OK, Fate("refused", "HTTP 400", "bad")]
    assert state.keys == {"key-a", "key-b", "key-c"}


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize("name", [lambda at: at, lambda at: ROWS[at].key, lambda at: ROWS[at].unified_id])
def test_an_answer_may_refuse_half_of_the_rows(status: int, name: Callable[[int], object]) -> None:
    errors = [{"row": name(1), "why": "no city"}, {"row": name(3)}]
    reply = Reply(status, json.dumps({"result": {"errors": errors}}), accepts=frozenset({0, 2}))
    with receiver(answers(reply)) as state:
        fates = sender(state, [], row_errors=LISTED).send(ROWS)
    refused = f"HTTP {status} with an error"
    assert fates == [OK, Fate("refused", refused, "no city"), OK, Fate("refused", refused)]


def test_a_list_of_results_has_a_status_for_each_row() -> None:
    body = json.dumps({"items": [{"row": 0, "code": 201}, {"row": 1, "code": 409}, {"row": 2, "code": "200"}]})
    with receiver(answers(Reply(207, body))) as state:
        results = RowErrors(found_at="items", row="row", status="code")
        fates = sender(state, [], row_errors=results).send(ROWS[:3])
    assert fates == [OK, Fate("refused", "HTTP 207 with an error"), OK]


@pytest.mark.parametrize("body", ["", "[]", '{"result": 3}', '{"result": {"errors": [{"row": 9}]}}'])
def test_an_answer_that_cannot_be_read_leaves_the_rows_unknown(body: str) -> None:
    with receiver(answers(Reply(200, body))) as state:
        fates = sender(state, [], row_errors=LISTED).send(ROWS)
    assert {fate.status for fate in fates} == {"unknown"}


def test_a_request_that_was_taken_without_an_answer_is_unknown_and_taken_once() -> None:
    slow = Reply(delay=0.5)
    with receiver(answers(slow, slow, slow, slow, Reply())) as state:
        waits: list[float] = []
        sending = sender(state, waits, timeout_seconds=0.1)
        assert sending.send(ROWS[:1]) == [Fate("unknown", "no answer (ReadTimeout)")]
        assert sending.send(ROWS[:1]) == [OK]
    assert (len(waits), state.repeated, state.rows) == (3, 4, {"a": {"email": "a@x.org", "city": None}})


def test_a_server_that_is_down_got_nothing() -> None:
    with receiver() as state:
        pass
    assert sender(state, []).send(ROWS[:1]) == [Fate("unsent", "no connection (ConnectError)")]


def test_private_addresses_are_refused_unless_allowed() -> None:
    with receiver() as state:
        url = state.url.replace("127.0.0.1", "localhost")
        refusing, allowing = (Poster(url, 5, private_addresses=it, sleep=lambda _: None) for it in (False, True))
        assert refusing.post(b"{}", dict).reason == "the URL leads to a private address"
        assert state.requests == []
        assert allowing.post(b"{}", dict).taken == "yes"
        assert state.headers[0]["host"] == url.split("/")[2]
