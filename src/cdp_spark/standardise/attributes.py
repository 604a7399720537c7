"""Clean rows on Spark: `mapInArrow` carries `clean_rows` to the data."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.standardise.cleaning import ATTRIBUTE_TYPES, MAX_AGE_YEARS, clean_rows
from cdp_spark.standardise.mapping import RawMapping
from cdp_spark.standardise.rows import beside, clean_batches
from cdp_spark.tables.catalog import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from cdp_spark.config.source import ColumnMapping, Meaning

ATTRIBUTES = tuple(ATTRIBUTE_TYPES)
"""The columns of `records` that standardising makes, in the table's order."""
_IDENTIFIERS = T.ArrayType(T.StructType([T.StructField(name, T.StringType()) for name in (c.TYPE, c.VALUE, c.REASON)]))
_MADE = [
    *(T.StructField(name, RECORDS.schema[name].dataType) for name in ATTRIBUTES),
    T.StructField(c.IDENTIFIERS, _IDENTIFIERS),
]


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


def with_standard_attributes(
    df: DataFrame,
    meanings: Mapping[Meaning, ColumnMapping],
    *,
    default_region: str | None,
    as_of: date,
    max_age_years: int | None = MAX_AGE_YEARS,
) -> DataFrame:
    """Add the clean attributes of `records`, and `identifiers`, to rows whose columns have these meanings.

    Args:
        df: any rows; a mapped column may be of any type. A column named as an attribute gives way to it.
        meanings: attribute to the columns that it comes from.
        default_region: ISO country of phones and postcodes that name none. None: national numbers keep their digits.
        as_of: today.
        max_age_years: years; an older birth date is invalid. None for historical data.
    Returns: the rows with df's other columns, every attribute of `records` in the table's order, and `identifiers`.
    """
    mapping = RawMapping(meanings, default_region=default_region)
    taken = {*ATTRIBUTES, c.IDENTIFIERS}
    kept = [field for field in df.schema if field.name.lower() not in taken]
    cells = (F.col(_quoted(name)).cast("string").alias(f"cell_{at}") for at, name in enumerate(mapping.columns))
    carried = (F.col(_quoted(field.name)).alias(f"carried_{at}") for at, field in enumerate(kept))
    rows = df.select(*carried, *cells)  # `mapInArrow` looks its columns up by names without dots
    schema = T.StructType([*(T.StructField(field.name, field.dataType) for field in kept), *_MADE])

    def clean(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield _cleaned(batch, mapping, mapping.columns, as_of=as_of, max_age_years=max_age_years)

    return rows.mapInArrow(clean, schema)


def _cleaned(
    batch: pa.RecordBatch, mapping: RawMapping, cells: Sequence[str], *, as_of: date, max_age_years: int | None
) -> pa.RecordBatch:
    """Clean a batch whose last columns are the cells."""
    carried = batch.num_columns - len(cells)
    columns = dict(zip(cells, batch.columns[carried:], strict=True))
    cleaned = clean_rows(columns.get, batch.num_rows, mapping, as_of=as_of, max_age_years=max_age_years)
    return beside(batch.select(range(carried)), cleaned)


def _quoted(name: str) -> str:
    return "`{}`".format(name.replace("`", "``"))
