"""Run a first night, then a second one incrementally and in full from the same tables; compare what they left.

python -m benchmarks.increment --records 200000 --changed 0.01
"""

from __future__ import annotations

import argparse
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from benchmarks.increment.nights import write_nights
from cdp_spark import columns as c
from cdp_spark.config.load import load_project
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.runner import run_stages
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import (
    CLUSTERS,
    CUTS,
    ID_CHANGES,
    ID_REGISTRY,
    PAIR_SCORES,
    UNIFIED_IDS,
)
from cdp_spark.tables.store import Store, open_store

if TYPE_CHECKING:
    from cdp_spark.runs.summary import RunSummary

_PROJECT = Path(__file__).parents[1] / "project"
_STAGES = ("matching", "clustering", "identity")
_COMPARED = (PAIR_SCORES, CLUSTERS, CUTS, UNIFIED_IDS, ID_REGISTRY, ID_CHANGES)
_OF_A_RUN = (
    *(c.RUN_ID, c.ORDINAL, c.RELEASE, c.CREATED_RELEASE, c.CLOSED_RELEASE),
    *(c.UNIFIED_ID, c.PREVIOUS_ID, c.MERGED_INTO),
)


def main() -> None:
    """Run the nights and print a table."""
    arguments = _parser().parse_args()
    folder = (arguments.folder / str(arguments.records)).absolute()
    nights = write_nights(folder, records=arguments.records, changed=arguments.changed, seed=arguments.seed)
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    os.environ["CDP_BENCHMARK"] = str(work)
    first, _ = _run_night(nights.first, work, _options())
    print(f"first night: {_told(first)}", flush=True)
    shutil.copytree(work / "warehouse", work / "after_first")
    incremental, left = _run_night(nights.second, work, _options())
    print(f"incremental: {_told(incremental)}", flush=True)
    shutil.rmtree(work / "warehouse")
    (work / "after_first").rename(work / "warehouse")
    full, left_in_full = _run_night(nights.second, work, replace(_options(), full=True))
    print(f"full: {_told(full)}", flush=True)
    print(_table(incremental, full))
    print("tables that differ:", [name for name, it in left_in_full.items() if it != left[name]] or "none")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.increment", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--changed", type=float, default=0.01, help="share of the records")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks/increment"))
    return parser


def _options() -> RunOptions:
    return RunOptions(as_of=datetime.now(UTC), report=False)


def _run_night(file: Path, work: Path, options: RunOptions) -> tuple[RunSummary, dict[str, tuple[int, int]]]:
    """Deliver a file, run from ingest to publish, and hash the tables that the night left."""
    shutil.copyfile(file, work / "records.parquet")
    project = load_project(_PROJECT)
    store = open_store(get_session(SessionSettings(app_name="benchmark")), project)
    night = run_stages(store, project, options, last="publish")
    return night, _hashes(store)


def _told(night: RunSummary) -> str:
    return ", ".join(f"{it.stage} {it.seconds:.1f} s ({it.detail})" for it in night.outcomes)


def _hashes(store: Store) -> dict[str, tuple[int, int]]:
    """Rows of each table and a hash of what two runs of one night share; ids of a run of another number differ."""
    found = {}
    for spec in _COMPARED:
        shared = [name for name in spec.schema.names if name not in _OF_A_RUN]
        hashed = store.read(spec).select(F.xxhash64(*shared).alias("hash"))
        row = hashed.agg(F.count(F.lit(1)).alias("rows"), F.expr("bit_xor(hash)").alias("hash")).collect()[0]
        found[spec.name] = (row["rows"], row["hash"])
    return found


def _table(incremental: RunSummary, full: RunSummary) -> str:
    nights = [{name: it.seconds or 0.0 for name, it in night.run.finished.items()} for night in (incremental, full)]
    parts = {stage: (stage,) for stage in nights[1]} | {"records → ids": _STAGES, "ingest → publish": tuple(nights[1])}
    rows = ["| stage | incremental s | full s | ratio |", "|---|---|---|---|"]
    for part, stages in parts.items():
        one, all_ = (sum(seconds[stage] for stage in stages) for seconds in nights)
        rows.append(f"| {part} | {one:.1f} | {all_:.1f} | {one / all_ if all_ else 1:.0%} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
