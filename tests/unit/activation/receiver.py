"""A webhook receiver on this machine that can be told to fail."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = "whsec_c2VjcmV0IG9mIHRoZSByZWNlaXZlcg=="


@dataclass(frozen=True)
class Reply:
    """What the receiver answers.

    Args:
        status: of HTTP.
        body: text.
        headers: beside the usual ones.
        delay: seconds before it answers.
        accepts: which of the rows it keeps, by their number; None for all of a request that it answers with 2xx.
    """

    status: int = 200
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    accepts: frozenset[int] | None = None


Answering = Callable[[int, list[dict[str, Any]]], Reply]


@dataclass
class Receiver:
    """Keeps what it accepted, once for each key.

    Args:
        answer: chooses the reply to a request, by its number from 0 and its rows.
    """

    answer: Answering = lambda _number, _rows: Reply()
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    repeated: int = 0
    url: str = ""

    def handle(self, body: bytes, headers: dict[str, str], secret: str) -> Reply:
        """Note a request, take its rows as the reply says, and give the reply."""
        number, content = len(self.requests), json.loads(body)
        self.requests.append(content)
        self.headers.append(headers)
        if "webhook-id" in headers:
            try:
                Webhook(secret).verify(body.decode(), headers)
            except WebhookVerificationError:
                return Reply(401, "wrong signature")
        rows = content.get("rows", [])
        reply = self.answer(number, rows)
        all_rows = frozenset(range(len(rows))) if reply.status < 300 else frozenset[int]()
        for at in sorted(all_rows if reply.accepts is None else reply.accepts):
            self.take(rows[at])
        return reply

    def take(self, row: dict[str, Any]) -> None:
        if row["key"] in self.keys:
            self.repeated += 1
            return
        self.keys.add(row["key"])
        if row["action"] in ("remove", "erase"):
            self.rows.pop(row["unified_id"], None)
        else:
            self.rows[row["unified_id"]] = row["values"]


@contextlib.contextmanager
def receiver(answer: Answering = lambda _number, _rows: Reply(), *, secret: str = SECRET) -> Iterator[Receiver]:
    state = Receiver(answer)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                reply = state.handle(body, headers, secret)
            time.sleep(reply.delay)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(reply.status)
                for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body.encode())

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
