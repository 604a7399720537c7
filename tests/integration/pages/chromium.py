"""A headless Chromium that opens a page, spoken to over its DevTools pipe: no driver and no port."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Browser:
    """A browser with one page; `seen` has what it did meanwhile: requests, errors, messages."""

    commands: IO[bytes]
    answers: IO[bytes]
    session: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    _number: int = 0

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Call a method of the DevTools protocol and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self._receive()).get("id") != self._number:
            self.seen.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, page: Path) -> None:
        """Open a page and wait until it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.navigate", url=page.as_uri())
        while not any(it.get("method") == "Page.loadEventFired" for it in self.seen):
            self.seen.append(self._receive())

    def evaluate(self, expression: str) -> Any:
        """Evaluate an expression of JavaScript in the page; a promise is awaited."""
        settings = {"returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", expression=expression, **settings)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def happened(self, method: str) -> list[dict[str, Any]]:
        """List the parameters of all events of a kind."""
        return [it["params"] for it in self.seen if it.get("method") == method]

    def _receive(self) -> dict[str, Any]:
        message = bytearray()
        while (byte := self.answers.read(1)) not in (b"\0", b""):
            message += byte
        assert message, "Chromium ended"
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Start a browser, and end it; skip the test where there is none."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no Chromium")
    (command_end, command_start), (answer_end, answer_start) = os.pipe(), os.pipe()
    shell = f'exec "$0" "$@" 3<&{command_end} 4>&{answer_start}'
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", shell, program, *options, "about:blank"],
        pass_fds=(command_end, answer_start),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(command_end)
    os.close(answer_start)
    with os.fdopen(command_start, "wb") as commands, os.fdopen(answer_end, "rb") as answers:
        try:
            browser = Browser(commands, answers)
            yield browser
            browser.session = None
            browser.call("Browser.close")
        finally:
            process.terminate()
            process.wait(timeout=30)
