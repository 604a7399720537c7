"""GoldenMatch without configuration: `python -m benchmarks.matching.goldenmatch_peer weighted|probabilistic RECORDS …`.

It finds its own configuration, in the way that is its default or by Fellegi and Sunter's model, which its authors
compare with Splink. It is told which columns are ids, as `cdp resolve` is, and nothing else. Its native part is used
where `goldenmatch[native]` is installed: it finds it by itself.
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
    """Read records from a CSV or Parquet file."""
    if path.suffix != ".csv":
        return pq.read_table(path)
    return csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))


def run(method: str, records: Path, id_column: str, out: Path) -> float:
    """Write record_id, cluster_id. Returns: seconds from the records to the clusters' file."""
    started = time.monotonic()
    table = read_records(records)
    compared = table.select([name for name in table.column_names if name not in {id_column, *_KEYS}])
    config = goldenmatch.auto_configure_probabilistic_df(compared) if method == "probabilistic" else None
    found = goldenmatch.dedupe_df(compared, config=config)
    members = [(row, cluster) for cluster, told in found.clusters.items() for row in told["members"]]
    rows, clusters = pa.array([row for row, _ in members]), pa.array([cluster for _, cluster in members])
    names = table[id_column].take(rows).cast(pa.string())
    pq.write_table(pa.table({"record_id": names, "cluster_id": clusters}), out)
    return time.monotonic() - started


if __name__ == "__main__":
    os.environ["GOLDENMATCH_AUTOCONFIG_MEMORY"] = "0"  # what an earlier run learnt would help a later one
    method_name, records_path, column, out_path = sys.argv[1:]
    print(json.dumps({"seconds": run(method_name, Path(records_path), column, Path(out_path))}))
