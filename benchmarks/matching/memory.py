"""Seconds, processor time and peak memory of a process and all its children; the last is read from /proc."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_INTERVAL_SECONDS = 0.5


@dataclass(frozen=True)
class Finished:
    """What a command came to.

    Args:
        output: its standard output.
        seconds: from its start to its end.
        processor_seconds: of it and the children that it waited for, user and system.
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


def run_measured(command: list[str], *, timeout_seconds: float, log: Path) -> Finished:
    """Run a command and watch its memory; a command over the time limit is killed with all its children.

    Args:
        command: program and arguments.
        timeout_seconds: limit.
        log: the file for its standard error.
    """
    started, used, timed_out = monotonic(), _processor_seconds(), False
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
    peak, done = [0], threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, done), daemon=True)
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
    return Finished(output, seconds, _processor_seconds() - used, peak[0], process.returncode, timed_out)


def _processor_seconds() -> float:
    """Processor time of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(root: int, peak: list[int], done: threading.Event) -> None:
    while not done.wait(_INTERVAL_SECONDS):
        peak[0] = max(peak[0], _family_bytes(root))


def _family_bytes(root: int) -> int:
    parents: dict[int, int] = {}
    resident: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                resident[int(entry.name)] = int((entry / "statm").read_text().split()[1]) * _PAGE_BYTES
            except OSError:  # it ended meanwhile
                continue
            parents[int(entry.name)] = int(status[1])
    return sum(size for pid, size in resident.items() if _descends(pid, root, parents))


def _descends(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid > 1:
        if pid == root:
            return True
        pid = parents.get(pid, 0)
    return False
