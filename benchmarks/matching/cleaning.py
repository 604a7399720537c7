"""Generated people as cdp-spark cleans them: what every tool is given, so that only the matching differs.

The benchmark's project says what the columns mean; cleaning runs in this process, on distinct values.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cdp_spark import columns as c
from cdp_spark.config.load import load_project
from cdp_spark.normalise.hashing import record_key
from cdp_spark.standardise.cleaning import clean_rows
from cdp_spark.standardise.mapping import RawMapping

PROJECT = Path(__file__).parents[1] / "project"
_COMPARED = (
    c.GIVEN_NAME,
    c.FAMILY_NAME,
    c.BIRTH_DATE,
    c.EMAIL,
    c.PHONE,
    c.STREET,
    c.HOUSE_NUMBER,
    c.POSTCODE,
    c.CITY,
)


def write_cleaned(records: Path, cleaned: Path) -> None:
    """Clean generated people.

    Args:
        records: Parquet from `write_people`.
        cleaned: Parquet to write, one row per record: record_key, source_record_id, and what is compared.
    """
    table = pq.read_table(records)
    ids = table["record_id"].combine_chunks()
    keys = pa.array([record_key("people", record_id) for record_id in ids.to_pylist()])
    columns = {c.RECORD_KEY: keys, c.SOURCE_RECORD_ID: ids}
    pq.write_table(pa.table(columns | _clean(table, folder=cleaned.parent)), cleaned)


def _clean(table: pa.Table, *, folder: Path) -> dict[str, pa.ChunkedArray]:
    project = load_project(PROJECT, env={"CDP_BENCHMARK": str(folder)})
    mapping = RawMapping.of_source(project.sources[0], default_region=project.settings.default_region)
    texts = {name: table[name].cast(pa.string()).combine_chunks() for name in table.column_names}
    clean = clean_rows(texts.get, table.num_rows, mapping, as_of=datetime.now(UTC).date())
    return {name: clean[name] for name in _COMPARED}
