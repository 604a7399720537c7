"""`cdp resolve` without configuration on public data with truth: `python -m benchmarks.accuracy [SET …]`.

A set is a folder of `CDP_DATA_DIR` with records.csv, its first column the id, and truth.csv (record_id, entity_id).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from benchmarks.matching.scores import Scores, score

SETS = ("febrl3", "historical_50k", "fake_20000")


def resolve(folder: Path, scratch: Path) -> tuple[Scores, float]:
    """Resolve a set's records and score them.

    Returns: the scores, and the seconds that the command says it took, the start of Spark among them.
    """
    records, clusters, truth = folder / "records.csv", scratch / "clusters.parquet", scratch / "truth.parquet"
    id_column = records.open(encoding="utf-8").readline().split(",")[0].strip()
    command = [str(Path(sys.executable).with_name("cdp")), "resolve", str(records), "--id", id_column, "--json"]
    done = subprocess.run([*command, "--out", str(clusters)], check=True, capture_output=True, text=True)
    as_text = csv.ConvertOptions(column_types={"record_id": pa.string(), "entity_id": pa.string()})
    pq.write_table(csv.read_csv(folder / "truth.csv", convert_options=as_text), truth)
    return score(clusters, truth), float(json.loads(done.stdout)["seconds"])


def main(names: list[str]) -> None:
    """Print a table of the sets."""
    data = Path(os.environ["CDP_DATA_DIR"])
    print("| set | precision | recall | F1 | B³ F1 | seconds |\n|---|---|---|---|---|---|")
    for name in names or SETS:
        with tempfile.TemporaryDirectory() as scratch:
            found, seconds = resolve(data / name, Path(scratch))
        print(
            f"| {name} | {found.precision:.4f} | {found.recall:.4f} | {found.f1:.4f} | {found.bcubed_f1:.4f} "
            f"| {seconds:.0f} |"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
