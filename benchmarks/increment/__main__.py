"""Run a first night, then a second one incrementally and in full, compare what they left, and print seconds.

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
from cdp_spark.runs.releases import Release, append_release
from cdp_spark.runs.runner import run_stages
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import (
    CLUSTERS,
    CUTS,
    GOLD,
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
    project = load_project(_PROJECT)
    store = open_store(get_session(SessionSettings(app_name="benchmark")), project)
    _deliver(nights.first, work)
    first = run_stages(store, project, _options(), last="identity")
    print(f"first night: {_told(first)}", flush=True)
    _publish(store, first)
    _deliver(nights.second, work)
    run_stages(store, project, _options(), last="standardise")
    incremental = run_stages(store, project, _options(), first="matching", last="identity")
    print(f"incremental: {_told(incremental)}", flush=True)
    hashes = _hashes(store)
    full = run_stages(store, project, replace(_options(), full=True), first="matching", last="identity")
    print(f"full: {_told(full)}", flush=True)
    print(_table(incremental, full))
    print("tables that differ:", [name for name, it in _hashes(store).items() if it != hashes[name]] or "none")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.increment", description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--changed", type=float, default=0.01, help="share of the records")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks/increment"))
    return parser


def _options() -> RunOptions:
    return RunOptions(as_of=datetime.now(UTC), report=False)


def _deliver(file: Path, work: Path) -> None:
    shutil.copyfile(file, work / "records.parquet")


def _publish(store: Store, night: RunSummary) -> None:
    """Release the ids alone: what comes after identity is not measured here."""
    written = night.run.finished["identity"].versions
    versions = {spec.name: written[spec.name] for spec in GOLD if spec.name in written}
    append_release(store, Release(night.run.ordinal, night.run.run_id, datetime.now(UTC), versions))


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
    seconds = {stage: [night.run.finished[stage].seconds or 0.0 for night in (incremental, full)] for stage in _STAGES}
    seconds["records → ids"] = [sum(night) for night in zip(*seconds.values(), strict=True)]
    head = "| stage | incremental s | full s | ratio |\n|---|---|---|---|"
    rows = [f"| {stage} | {one:.1f} | {all_:.1f} | {one / all_:.0%} |" for stage, (one, all_) in seconds.items()]
    return "\n".join([head, *rows])


if __name__ == "__main__":
    main()
