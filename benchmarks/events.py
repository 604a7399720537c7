"""What Spark's event log tells: seconds, shuffled bytes and skew of each Spark stage.

python -m benchmarks.events FOLDER --records 1000000
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
}
"""For a session whose log is to be read here; with `spark.eventLog.dir`."""
_SHOWN = 12
_MIB = 2**20


@dataclass
class SparkStage:
    """One stage of a Spark job.

    Args:
        name: the line of Python or Scala that asked for the job.
        started: milliseconds since 1970, UTC.
        ended: likewise.
        written: bytes that its tasks wrote to a shuffle.
        spilled: bytes that they put on disk for lack of memory.
        tasks: milliseconds of each task.
        operators: what its tasks did, from the names of its RDDs.
    """

    name: str
    started: int = 0
    ended: int = 0
    written: int = 0
    spilled: int = 0
    tasks: list[int] = field(default_factory=list)
    operators: str = ""

    @property
    def seconds(self) -> float:
        """From its first task's start to its last one's end."""
        return (self.ended - self.started) / 1000

    @property
    def skew(self) -> float:
        """The longest task over the median one."""
        return max(self.tasks) / max(median(self.tasks), 1) if self.tasks else 1.0


def read_stages(folder: Path) -> list[SparkStage]:
    """The finished stages of the newest log of a folder, in the order in which they ended."""
    log = max((path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime)
    stages: dict[int, SparkStage] = defaultdict(lambda: SparkStage(""))
    finished = []
    for event in _events(log):
        if event["Event"] == "SparkListenerTaskEnd":
            _add_task(stages[event["Stage ID"]], event)
        elif event["Event"] == "SparkListenerStageCompleted":
            finished.append(_finish(stages, event["Stage Info"]))
    return finished


def _events(log: Path) -> Iterator[dict[str, Any]]:
    with log.open() as lines:
        for line in lines:
            if line.startswith(('{"Event":"SparkListenerTaskEnd"', '{"Event":"SparkListenerStageCompleted"')):
                yield json.loads(line)


def _add_task(stage: SparkStage, event: dict[str, Any]) -> None:
    info, metrics = event["Task Info"], event.get("Task Metrics") or {}
    stage.tasks.append(info["Finish Time"] - info["Launch Time"])
    stage.written += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)
    stage.spilled += metrics.get("Disk Bytes Spilled", 0)


def _finish(stages: dict[int, SparkStage], info: dict[str, Any]) -> SparkStage:
    stage = stages[info["Stage ID"]]
    stage.name = info["Stage Name"]
    stage.started, stage.ended = info["Submission Time"], info["Completion Time"]
    scopes = [json.loads(rdd["Scope"])["name"] for rdd in info["RDD Info"] if rdd.get("Scope")]
    stage.operators = " ← ".join(dict.fromkeys(scope.split(" (")[0] for scope in scopes))
    return stage


def table_of(stages: list[SparkStage], *, records: int) -> str:
    """The longest stages as a table, and the sums of all."""
    head = "| seconds | tasks | longest / median | shuffle MiB | spill MiB | what |\n|---|---|---|---|---|---|"
    longest = sorted(stages, key=lambda stage: -stage.seconds)[:_SHOWN]
    rows = [
        f"| {it.seconds:.1f} | {len(it.tasks)} | {it.skew:.1f} | {it.written / _MIB:.0f} | {it.spilled / _MIB:.0f} "
        f"| {it.name.split(' at ')[0]}: {it.operators} |"
        for it in longest
    ]
    written, task_seconds = sum(it.written for it in stages), sum(sum(it.tasks) for it in stages) / 1000
    total = f"{len(stages)} stages, {task_seconds:.0f} s of tasks, {written / records:.0f} shuffle bytes a record"
    return "\n".join([head, *rows, "", total])


def main() -> None:
    """Print the table of a log."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events", description=__doc__)
    parser.add_argument("folder", type=Path, help="spark.eventLog.dir")
    parser.add_argument("--records", type=int, required=True, help="that the run was about")
    arguments = parser.parse_args()
    print(table_of(read_stages(arguments.folder), records=arguments.records))


if __name__ == "__main__":
    main()
