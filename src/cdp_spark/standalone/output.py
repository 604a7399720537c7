"""What `cdp resolve` leaves behind: clusters in one file, and the configuration that made them.

Whether the file can be written is known before anything is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import yaml

from cdp_spark import columns as c
from cdp_spark.errors import ConfigError
from cdp_spark.standalone.engine import CLUSTER_ID
from cdp_spark.standalone.keys import RECORD_ID

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.standalone.resolve import Resolution

_SUFFIXES = (".csv", ".parquet")


def check_out(path: Path) -> None:
    """Refuse an output that could not be written, before anything is read.

    Raises:
        ConfigError: the suffix is unknown or the folder is not there.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError("--out", got=path.name, allowed=", ".join(f"a name in {suffix}" for suffix in _SUFFIXES))
    if not path.absolute().parent.is_dir():
        raise ConfigError("--out", got=f"no folder {path.parent}", fix="create it, or name a file in one that exists")


def clusters_table(resolution: Resolution) -> pa.Table:
    """Return one row per record: record_id, cluster_id, and the source where there are several; in their order."""
    clusters = resolution.clustered.clusters
    table = clusters if isinstance(clusters, pa.Table) else clusters.toArrow()
    table = _in_order(table.select([c.SOURCE, RECORD_ID, CLUSTER_ID]))
    several = len(resolution.described.recognised) > 1 or resolution.described.sources > 1
    return table if several else table.drop_columns([c.SOURCE])


def _in_order(clusters: pa.Table) -> pa.Table:
    """Order by source and id; ids that are all numbers go by their size: 2 comes before 10."""
    ids = clusters[RECORD_ID].cast(pa.string())
    are_numbers = pc.all(pc.utf8_is_digit(ids), min_count=0).as_py()
    size = pc.utf8_length(ids) if are_numbers else pa.nulls(len(ids), pa.int32())
    keys = pa.table({c.SOURCE: clusters[c.SOURCE], "size": size, RECORD_ID: ids})
    return clusters.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]))


def write_clusters(resolution: Resolution, path: Path) -> None:
    """Write `clusters_table` as CSV or Parquet by the path's suffix; a failed write leaves nothing half written."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    write = pyarrow.csv.write_csv if path.suffix.lower() == ".csv" else pyarrow.parquet.write_table
    try:
        write(clusters_table(resolution), unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_match_config(match: EntityMatch, path: Path) -> None:
    """Write a match.yaml that `cdp resolve --conf` and a project read."""
    section = match.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    path.write_text(yaml.safe_dump({"person": section}, sort_keys=False, allow_unicode=True), encoding="utf-8")
