"""Current versions and clean rows on Spark: `mapInArrow` carries the functions to the data."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.standardise.cleaning import ATTRIBUTE_TYPES
from cdp_spark.standardise.rows import clean_batches
from cdp_spark.standardise.versions import DATED_VERSION, VERSION, find_outdated_versions
from cdp_spark.tables.catalog import RECORDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from pyspark.sql import DataFrame

    from cdp_spark.standardise.mapping import RawMapping


ATTRIBUTES = tuple(ATTRIBUTE_TYPES)
"""The columns of `records` that standardising makes, in the table's order."""
_IDENTIFIERS = T.ArrayType(T.StructType([T.StructField(name, T.StringType()) for name in (c.TYPE, c.VALUE, c.REASON)]))
_MADE = [
    *(T.StructField(name, RECORDS.schema[name].dataType) for name in ATTRIBUTES),
    T.StructField(c.IDENTIFIERS, _IDENTIFIERS),
]
_IN_SNAPSHOT = "in_snapshot"


def build_outdated_versions(versions: DataFrame, snapshots: DataFrame, *, replaced: Collection[str]) -> DataFrame:
    """List the versions that are not the current one of their record, as `find_outdated_versions` says.

    Returns: one row per source, source_record_id and content_hash.
    """
    dated = versions.select(*DATED_VERSION, F.lit(False).alias(_IN_SNAPSHOT))
    held = snapshots.where(F.col(c.SOURCE).isin(*replaced)).withColumn(_IN_SNAPSHOT, F.lit(True))
    both = dated.unionByName(held, allowMissingColumns=True) if replaced else dated
    schema = T.StructType([T.StructField(name, T.StringType()) for name in VERSION])
    together = both.repartition(c.SOURCE, c.SOURCE_RECORD_ID)
    return together.mapInArrow(partial(_find_in_partition, replaced=tuple(replaced)), schema)


def _find_in_partition(batches: Iterator[pa.RecordBatch], replaced: Collection[str]) -> Iterator[pa.RecordBatch]:
    rows = list(batches)
    if rows:
        table = pa.Table.from_batches(rows)
        versions, held = (table.filter(pc.equal(table[_IN_SNAPSHOT], is_held)) for is_held in (False, True))
        yield from find_outdated_versions(versions, held, replaced=replaced).to_batches()


def build_clean_rows(rows: DataFrame, mappings: Mapping[str, RawMapping], *, as_of: date) -> DataFrame:
    """Clean the rows of the configured sources, all in one pass; rows of other sources are left out.

    Args:
        rows: `source`, `row` as received, and columns to carry.
        mappings: by source.
        as_of: today.
    Returns: the carried columns, `source` among them, every attribute of `records`, and `identifiers`.
    """
    carried = [field for field in rows.schema if field.name != c.ROW]
    schema = T.StructType([*(T.StructField(field.name, field.dataType) for field in carried), *_MADE])
    known = rows.where(F.col(c.SOURCE).isin(*mappings)).select(*(field.name for field in carried), c.ROW)
    return known.mapInArrow(partial(clean_batches, mappings=dict(mappings), as_of=as_of), schema)
