"""Seconds, processor time and peak memory of a process and all its children, read from /proc every half second.

Processor time is also asked of the system, which counts short-lived processes, too, but not those that nobody waits for
(Spark's Java): the larger one is taken.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_INTERVAL_SECONDS = 0.5


@dataclass(frozen=True)
class Finished:
    """What a command came to.

    Args:
        output: its standard output.
        seconds: from its start to its end.
        processor_seconds: of it and its children, user and system.
        peak_bytes: the largest sum of resident memory of it and its children.
        exit_code: 0 where it went well.
        timed_out: whether it was stopped at the time limit.
    """

    output: str
    seconds: float
    processor_seconds: float
    peak_bytes: int
    exit_code: int
    timed_out: bool


@dataclass
class _Seen:
    """What was seen of a process and its children.

    Args:
        peak_bytes: the largest sum of resident memory.
        ticks: processor time of each process when it was last seen.
    """

    peak_bytes: int = 0
    ticks: dict[int, int] = field(default_factory=dict)

    def look(self, root: int) -> None:
        """Look at a process and its children now."""
        family = _family(root)
        self.peak_bytes = max(self.peak_bytes, sum(resident for resident, _ in family.values()))
        self.ticks |= {pid: ticks for pid, (_, ticks) in family.items()}


def run_measured(command: list[str], *, timeout_seconds: float, log: Path) -> Finished:
    """Run a command and watch it; a command over the time limit is killed with all its children.

    Args:
        command: program and arguments.
        timeout_seconds: limit.
        log: the file for its standard error.
    """
    started, used, timed_out = monotonic(), _processor_seconds(), False
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
    seen, done = _Seen(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, seen, done), daemon=True)
    watcher.start()
    try:
        output, _ = process.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    seconds = monotonic() - started
    done.set()
    watcher.join()
    processor_seconds = max(_processor_seconds() - used, sum(seen.ticks.values()) / _TICKS_A_SECOND)
    return Finished(output, seconds, processor_seconds, seen.peak_bytes, process.returncode, timed_out)


def family_processor_seconds() -> float:
    """Processor time, so far, of this process, its children and theirs, those that have ended and were waited for."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for pid, status in _statuses():
        parents[pid], ticks[pid] = int(status[1]), sum(map(int, status[11:15]))
    return sum(it for pid, it in ticks.items() if _descends(pid, os.getpid(), parents)) / _TICKS_A_SECOND


def _processor_seconds() -> float:
    """Processor time of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(root: int, seen: _Seen, done: threading.Event) -> None:
    while not done.wait(_INTERVAL_SECONDS):
        seen.look(root)


def _family(root: int) -> dict[int, tuple[int, int]]:
    """Resident bytes and ticks of processor time of a process and its children, by process id."""
    parents: dict[int, int] = {}
    used: dict[int, tuple[int, int]] = {}
    for pid, status in _statuses():
        parents[pid] = int(status[1])
        used[pid] = int(status[21]) * _PAGE_BYTES, int(status[11]) + int(status[12])
    return {pid: figures for pid, figures in used.items() if _descends(pid, root, parents)}


def _statuses() -> Iterator[tuple[int, list[str]]]:
    """Each process's id, and the fields of its status after its name."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield int(entry.name), (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue


def _descends(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == root:
            return True
        pid = parents.get(pid, 0)
    return False
