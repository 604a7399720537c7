"""GoldenMatch without configuration: `python -m benchmarks.matching.goldenmatch_peer RECORDS ID_COLUMN OUT`.

It is told which columns are ids, as `cdp resolve` is, and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import goldenmatch
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

_KEYS = ("record_key", "source_record_id")
"""Of records that cdp-spark cleaned."""


def read_records(path: Path) -> pa.Table:
    """Records of a CSV file or of a folder of Parquet files."""
    return csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)


def run(records: Path, id_column: str, out: Path) -> float:
    """Write record_id, cluster_id. Returns: seconds from the records to the clusters' file."""
    started = time.monotonic()
    table = read_records(records)
    ids = [name for name in table.column_names if name in {id_column, *_KEYS}]
    found = goldenmatch.dedupe_df(table, exclude_columns=ids)
    members = [(row, cluster) for cluster, told in found.clusters.items() for row in told["members"]]
    rows, clusters = pa.array([row for row, _ in members]), pa.array([cluster for _, cluster in members])
    names = table[id_column].take(rows).cast(pa.string())
    pq.write_table(pa.table({"record_id": names, "cluster_id": clusters}), out)
    return time.monotonic() - started


if __name__ == "__main__":
    os.environ["GOLDENMATCH_AUTOCONFIG_MEMORY"] = "0"  # what an earlier run learnt would help a later one
    records_path, column, out_path = sys.argv[1:]
    print(json.dumps({"seconds": run(Path(records_path), column, Path(out_path))}))
