"""Who holds a warehouse, and what the others are told."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from cdp_spark.errors import StateError


@dataclass(frozen=True)
class Holder:
    """The run that holds a warehouse.

    Args:
        run_id: of the run; `starting` until it is known.
        host: name of its machine.
        pid: of its process on that machine.
        since: ISO 8601, UTC.
    """

    run_id: str
    host: str
    pid: int
    since: str

    @classmethod
    def this_process(cls) -> Holder:
        """A run that this process is about to start."""
        return cls("starting", socket.gethostname(), os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"))

    def named(self, run_id: str) -> Holder:
        """The same holder with its run's id."""
        return replace(self, run_id=run_id)

    def refusal(self, location: str) -> StateError:
        """What another run is told."""
        return StateError(
            f"warehouse {location}",
            got=f"a second run: run {self.run_id} holds it (host {self.host}, process {self.pid}, since {self.since})",
            allowed="one run at a time",
            fix="wait for that run to end, or stop it; this run may then be started again",
        )


class Lock(Protocol):
    """A warehouse that this process holds."""

    def announce(self, run_id: str) -> None:
        """Name the run, for those who are refused meanwhile."""

    def check(self) -> None:
        """Raise StateError when the warehouse was lost to another run."""
