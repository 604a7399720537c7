"""cdp-spark without Spark on cleaned people: `python -m benchmarks.matching.in_process RECORDS CLUSTERS`.

The engine of `cdp resolve` with the benchmark project's match.yaml: features, keys, pairs, model, clusters, all in this
process. Prints seconds from the cleaned records to the clusters' file, and those of its steps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import monotonic

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.matching.cleaning import PROJECT
from cdp_spark import columns as c
from cdp_spark.config.load.sections import load_match
from cdp_spark.standalone.in_process import InProcess
from cdp_spark.standalone.keys import RECORD_ID
from cdp_spark.standalone.records import Described


def run(cleaned: Path, out: Path) -> dict[str, float]:
    """Write record_id, cluster_id. Returns: seconds in all, to the scored pairs, and from there to the clusters."""
    started = monotonic()
    match = load_match(PROJECT / "match.yaml")
    engine = _engine(pq.read_table(cleaned))
    scored = engine.score(match, None)
    linked = monotonic()
    clustered = engine.cluster(scored, match, unique_within_source=False)
    pq.write_table(clustered.clusters, out)
    ended = monotonic()
    return {"seconds": ended - started, "scored": linked - started, "clustered": ended - linked}


def _engine(records: pa.Table) -> InProcess:
    rows = records.num_rows
    records = records.rename_columns({c.SOURCE_RECORD_ID: RECORD_ID})
    records = records.append_column(c.SOURCE, pa.array(["people"]).take(pa.array([0] * rows)))
    return InProcess(records, Described({}, (), rows, {}, sources=1))


if __name__ == "__main__":
    print(json.dumps(run(*map(Path, sys.argv[1:]))))
