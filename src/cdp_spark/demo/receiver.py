"""A webhook receiver on this machine, which fails a few times and then takes every row once.

It does what docs/activation.md asks of a receiver: it checks the signature, keeps each key, and passes over a row whose
key it knows. It needs the extra `activation`.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cdp_spark.config.base import Secret
from cdp_spark.config.destination import WebhookDestination
from cdp_spark.config.sending import SentColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECRET = "whsec_bG9jYWwgcmVjZWl2ZXIgb2YgdGhlIGRlbW8="
_URL_NAME = "${CDP_DEMO_RECEIVER}"
"""In the place of the URL, whose port is another each time, so that the ledger sees one place."""
NAME = "local_receiver"


@dataclass(frozen=True)
class Request:
    """A request that came.

    Args:
        message_id: the same each time that a request is repeated.
        rows: in it.
        status: of the answer.
    """

    message_id: str
    rows: int
    status: int


@dataclass
class Receiver:
    """What came to the receiver.

    Args:
        failures: how many requests to answer with 503 from now on.
        url: where it listens.
        requests: in their order.
        people: the values of each row that it has, by unified_id.
        keys: that it has taken.
    """

    failures: int
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def answer(self, body: bytes, headers: dict[str, str]) -> int:
        """Take a request's rows, or fail; returns the status."""
        rows = json.loads(body)["rows"]
        status = self._status(body, headers)
        self.requests.append(Request(headers.get("webhook-id", ""), len(rows), status))
        if status < 300:
            for row in rows:
                self._take(row)
        return status

    def _status(self, body: bytes, headers: dict[str, str]) -> int:
        try:
            Webhook(_SECRET).verify(body.decode(), headers)
        except WebhookVerificationError:
            return 401
        if self.failures:
            self.failures -= 1
            return 503
        return 200

    def _take(self, row: dict[str, Any]) -> None:
        if row["key"] in self.keys:
            return
        self.keys.add(row["key"])
        if row["action"] in ("remove", "erase"):
            self.people.pop(row["unified_id"], None)
        else:
            self.people[row["unified_id"]] = row["values"]


@contextmanager
def open_receiver(*, failures: int = 1) -> Iterator[Receiver]:
    """Listen on a free port of 127.0.0.1 until the block ends."""
    state, lock = Receiver(failures), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                status = state.answer(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            self.send_header("content-length", "0")
            if status == 503:
                self.send_header("retry-after", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/rows"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def destination_of(
    receiver: Receiver, *, segments: tuple[str, ...], columns: tuple[str, ...], purpose: str
) -> WebhookDestination:
    """Describe the receiver as a destination."""
    destination = WebhookDestination(
        name=NAME,
        kind="webhook",
        segments=segments,
        columns=tuple(SentColumn(of=it) for it in columns),
        purpose=purpose,
        url=receiver.url,
        secret=_SECRET,
        private_addresses=True,
        batch_size=1_000,
    )
    return destination.model_copy(update={"url": Secret(receiver.url, _URL_NAME)})  # a model makes a plain text of it
