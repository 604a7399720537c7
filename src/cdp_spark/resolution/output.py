"""What `cdp resolve` leaves behind: clusters in one file, and the configuration that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import yaml

from cdp_spark import columns as c
from cdp_spark.resolution.own.read import RECORD_ID

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.config.match import EntityMatch
    from cdp_spark.resolution.resolve import Resolution


def write_clusters(resolution: Resolution, path: Path) -> None:
    """Write one row per record: record_id, cluster_id, and the source where there are several; in the order of both."""
    table = resolution.clusters.select(c.SOURCE, RECORD_ID, "cluster_id").toArrow()
    several = len(resolution.data.recognised) > 1 or len(table.column(c.SOURCE).unique()) > 1
    table = table.sort_by([(c.SOURCE, "ascending"), (RECORD_ID, "ascending")])
    table = table if several else table.drop_columns([c.SOURCE])
    if path.suffix.lower() == ".csv":
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path)


def write_match_config(match: EntityMatch, path: Path) -> None:
    """Write a match.yaml that `cdp resolve --conf` and a project read."""
    section = match.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    path.write_text(yaml.safe_dump({"person": section}, sort_keys=False, allow_unicode=True), encoding="utf-8")
