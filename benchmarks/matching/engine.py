"""cdp-spark on the benchmark's project: `python -m benchmarks.matching.engine FOLDER`.

Runs the nightly job from ingest to identity, as `cdp run --to identity` does, and prints seconds by stage. The clusters
are left beside the warehouse for the scorer, Spark's event log in `events` for `python -m benchmarks.events`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import monotonic

from benchmarks.events import SETTINGS as EVENT_LOG
from benchmarks.matching.cleaning import PROJECT
from benchmarks.tools import clusters_file
from cdp_spark import columns as c
from cdp_spark.config.load import load_project
from cdp_spark.runs.runner import run_stages
from cdp_spark.session import SessionSettings, get_session
from cdp_spark.tables.catalog import RECORDS, UNIFIED_IDS
from cdp_spark.tables.store import Store, open_store

_DRIVER_MEMORY = "7g"
"""Leaves Python and its workers 5 GiB of 12."""
_LINKED = ("matching", "clustering", "identity")


def run(folder: Path) -> dict[str, object]:
    """Run the job on the folder's records.

    Returns: seconds of the session's start, of each stage, and `linked`: from the cleaned records to the unified ids.
    """
    os.environ["CDP_BENCHMARK"] = str(folder.absolute())
    project = load_project(PROJECT)
    events = (folder / "events").absolute()
    events.mkdir(parents=True, exist_ok=True)
    started = monotonic()
    spark = get_session(
        SessionSettings(
            app_name="benchmark",
            driver_memory=_DRIVER_MEMORY,
            conf={**EVENT_LOG, "spark.eventLog.dir": events.as_uri()},
        )
    )
    session_seconds = monotonic() - started
    store = open_store(spark, project)
    summary = run_stages(store, project, last="identity")
    seconds = {outcome.stage: round(outcome.seconds or 0.0, 1) for outcome in summary.outcomes}
    _export(store, folder)
    linked = sum(seconds[stage] for stage in _LINKED)
    return {"session": round(session_seconds, 1), "stages": seconds, "seconds": round(linked, 1)}


def _export(store: Store, folder: Path) -> None:
    ids = (
        store.read(RECORDS)
        .join(store.read(UNIFIED_IDS), on=c.RECORD_KEY, how="inner")
        .selectExpr(f"{c.SOURCE_RECORD_ID} AS record_id", f"{c.UNIFIED_ID} AS cluster_id")
    )
    ids.write.mode("overwrite").parquet(str(clusters_file(folder, "cdp-spark-on-spark")))


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]))))
