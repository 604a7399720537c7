"""Posting JSON to a URL: guarded, repeated where that may help, and with an answer that says what may have arrived.

1. The host's addresses are looked up; unless private ones are allowed, each must be on the public internet. The request
   goes to an address that was checked, so a name that leads elsewhere a moment later does not matter.
2. Redirects are not followed: where they lead nobody has checked, and nobody has agreed to.
3. What may pass (429, 5xx, no connection, no answer) is tried again after a growing, random delay, or as long as the
   answer's `Retry-After` asks for.
"""

from __future__ import annotations

import ipaddress
import random
import socket
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdp_spark.config.destination import HttpDestination

_TRIES = 4
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
"""A destination that asks for more is left until the next run."""
_CONNECT_SECONDS = 10.0
_WORDS = 200
"""Characters of an answer that are kept."""
_LONGEST_ANSWER = 10_000_000
"""Bytes of an answer that are read."""
_NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol)
_STOPPING = (401, 403, 404, 405, 410)
"""What no row of a destination gets past."""
Taken = Literal["yes", "no", "perhaps", "never"]


@dataclass(frozen=True)
class Answer:
    """What came of a request.

    Args:
        taken: whether the destination took the request: `no` for what it holds, `never` whatever it holds.
        reason: such as `HTTP 422`, for messages.
        text: of the body.
        status: of HTTP; None without an answer.
    """

    taken: Taken
    reason: str
    text: str = ""
    status: int | None = None

    @property
    def words(self) -> str:
        """The beginning of the destination's own words."""
        return " ".join(self.text[: 2 * _WORDS].split())[:_WORDS]


@dataclass(frozen=True)
class Poster:
    """Posts to one URL.

    Args:
        url: to post to.
        timeout_seconds: to wait for an answer.
        private_addresses: whether the URL may be http and lead to an address that is not on the public internet.
        sleep: waits for seconds.
        jitter: gives a share of a delay, from 0 to 1.
    """

    url: str
    timeout_seconds: float
    private_addresses: bool
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = field(default=random.random)

    @classmethod
    def of(cls, destination: HttpDestination) -> Poster:
        """Post to a destination's URL."""
        return cls(str(destination.url), destination.timeout_seconds, destination.private_addresses)

    def post(self, body: bytes, sign: Callable[[], Mapping[str, str]]) -> Answer:
        """Post a body, several times if that may help.

        Args:
            body: JSON.
            sign: makes the headers of an attempt.
        """
        seen, answer = False, Answer("never", "nothing sent")
        for attempt in range(_TRIES):
            answer, asked = self._try(body, sign())
            seen = seen or answer.taken == "perhaps"
            delay = _FIRST_DELAY_SECONDS * 2**attempt * (0.5 + self.jitter()) if asked is None else asked
            if not _may_pass(answer) or attempt == _TRIES - 1 or delay > _LONGEST_WAIT_SECONDS:
                break
            self.sleep(delay)
        if seen and answer.taken == "never":  # an earlier attempt may have arrived
            return Answer("perhaps", answer.reason, answer.text, answer.status)
        return answer

    def _try(self, body: bytes, headers: Mapping[str, str]) -> tuple[Answer, float | None]:
        """Send once; with the seconds that the answer asks to wait."""
        parts = urlsplit(self.url)
        try:
            address = self._address(parts.hostname or "", parts.port)
        except (OSError, UnicodeError) as error:
            return Answer("never", f"host not found ({type(error).__name__})"), None
        if address is None:
            return Answer("never", "the URL leads to a private address"), None
        url = httpx.URL(self.url).copy_with(host=address)
        named = {**headers, "host": parts.netloc.rpartition("@")[2], "content-type": "application/json"}
        try:
            with (
                httpx.Client(timeout=self._timeout, trust_env=False, follow_redirects=False) as client,
                client.stream(
                    "POST", url, content=body, headers=named, extensions={"sni_hostname": parts.hostname}
                ) as response,
            ):
                return _answer(response), _asked_seconds(response.headers.get("retry-after"))
        except (httpx.InvalidURL, *_NOT_REACHED) as error:
            return Answer("never", f"no connection ({type(error).__name__})"), None
        except httpx.HTTPError as error:
            return Answer("perhaps", f"no answer ({type(error).__name__})"), None

    @property
    def _timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self.timeout_seconds, connect=min(_CONNECT_SECONDS, self.timeout_seconds))

    def _address(self, host: str, port: int | None) -> str | None:
        """An address of the host; None where one of them may not be sent to."""
        found = [str(it[4][0]) for it in socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)]
        is_allowed = self.private_addresses or all(ipaddress.ip_address(it.partition("%")[0]).is_global for it in found)
        return found[0] if is_allowed else None


def _answer(response: httpx.Response) -> Answer:
    text, status = _read(response), response.status_code
    reason = f"HTTP {status}"
    if response.is_success:
        return Answer("yes", reason, text, status)
    if response.is_redirect or response.has_redirect_location:
        return Answer("never", f"{reason}, a redirect", text, status)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Answer("perhaps", reason, text, status)
    is_never = status in _STOPPING or status == httpx.codes.TOO_MANY_REQUESTS
    return Answer("never" if is_never else "no", reason, text, status)


def _read(response: httpx.Response) -> str:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > _LONGEST_ANSWER:
            break
    return b"".join(parts).decode("utf-8", "replace")


def _may_pass(answer: Answer) -> bool:
    if answer.status is None:
        return answer.taken == "perhaps" or answer.reason.startswith("no connection")
    return answer.status == httpx.codes.TOO_MANY_REQUESTS or answer.status >= httpx.codes.INTERNAL_SERVER_ERROR


def _asked_seconds(value: str | None) -> float | None:
    """Seconds of a `Retry-After`, which is a number or a date."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
