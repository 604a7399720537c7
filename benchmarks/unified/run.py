"""What a night of new events costs, from files to `unified_events` and sessions: `python -m benchmarks events`.

50,000 customers are known. Then come, a night each:
1. a million events: clicks of cookies with some log-ins as JSON lines or CSV, and orders with lines as CSV, in three
   currencies;
2. ten thousand more;
3. log-ins with one cookie in a hundred that was nobody's until then.

Each stage's seconds are told, and those of the processor: of this process, Java and all tasks together, which say more
than the clock where others use the machine, too.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.matching.memory import family_processor_seconds
from benchmarks.unified.files import AS_OF, Shop
from cdp_spark.config.load import load_project
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.releases import Release, append_release
from cdp_spark.runs.runner import run_stages
from cdp_spark.runs.stages import work_of
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import GOLD
from cdp_spark.tables.store import Store, open_store

if TYPE_CHECKING:
    from cdp_spark.config.project import Project
    from cdp_spark.runs.stages import Work
    from cdp_spark.tables.run import RunContext, StageResult

_PROJECT = Path(__file__).parent / "project"
_NEXT_EVENTS, _BECOME_KNOWN = 10_000, 0.01
_OF_EVENTS = ("ingest", "standardise", "matching", "clustering", "identity", "events")


@dataclass
class _Clock:
    """Times each stage of a night."""

    night: str
    spent: dict[str, tuple[float, float]] = field(default_factory=dict)

    def find_work(self, name: str) -> Work:
        work = work_of(name)

        def timed(context: RunContext) -> StageResult:
            began, used = perf_counter(), family_processor_seconds()
            result = work(context)
            seconds, processor = perf_counter() - began, family_processor_seconds() - used
            self.spent[name] = seconds, processor
            _tell(self.night, name, seconds, processor, result.detail)
            return result

        return timed


def main(argv: list[str]) -> None:
    """Write each night's files, run it up to sessions, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks events", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--web", choices=("json", "csv"), default="json", help="format of the clicks")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where files and tables stay; a temporary one without it")
    arguments = parser.parse_args(argv)
    if arguments.folder is None:
        with tempfile.TemporaryDirectory() as folder:
            _run(Path(folder), arguments)
    else:
        _run(arguments.folder.absolute(), arguments)
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _run(folder: Path, arguments: argparse.Namespace) -> None:
    os.environ["CDP_BENCHMARK"] = str(folder)
    shop = Shop(folder, arguments.people, np.random.default_rng(arguments.seed), arguments.web)
    project = load_project(_PROJECT)
    store = open_store(get_session(SessionSettings(app_name="events")), project)
    print("| night | stage | seconds | processor s | what |\n|---|---|---|---|---|")
    shop.write_people()
    shop.write_events(0, first=0)
    _night(store, project, "people", 0)
    shop.write_events(arguments.events, first=0)
    _night(store, project, f"{arguments.events:,} events", 1)
    shop.write_events(_NEXT_EVENTS, first=arguments.events, seconds=(600, 3_600))
    _night(store, project, f"{_NEXT_EVENTS:,} more", 2)
    shop.write_logins(_BECOME_KNOWN)
    _night(store, project, f"{_BECOME_KNOWN:.0%} of cookies known", 3)


def _night(store: Store, project: Project, name: str, day: int) -> None:
    clock = _Clock(name)
    options = RunOptions(as_of=AS_OF + timedelta(hours=day), report=False, force=True, find_work=clock.find_work)
    night = run_stages(store, project, options, last="sessions")
    versions = {
        spec.name: it for out in night.outcomes for spec in GOLD if (it := out.versions.get(spec.name)) is not None
    }
    append_release(store, Release(night.run.ordinal, night.run.run_id, datetime.now(UTC), versions))
    seconds, processor = (sum(clock.spent[stage][place] for stage in _OF_EVENTS) for place in (0, 1))
    _tell(name, "files to unified_events", seconds, processor, "")


def _tell(night: str, stage: str, seconds: float, processor: float, what: str) -> None:
    print(f"| {night} | {stage} | {seconds:.1f} | {processor:.1f} | {what} |", flush=True)
