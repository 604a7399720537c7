"""Raw values of many sources in one pass: which column means what is looked up as data, not written out per source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.standardise.mapping import (
    RawMapping,
    RawShape,
    origin_expr,
    raw_columns,
    said_expr,
    written_birth_date_expr,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeAlias

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.source import ColumnMapping

    _Origins: TypeAlias = Mapping[str, Mapping[str, ColumnMapping]]
_LAYOUT = "layout"
_LAYOUT_TYPE = "map<string,struct<columns:array<string>,attributes:map<string,string>,region:string>>"


def build_raw_values(
    source_records: DataFrame, mappings: Mapping[str, RawMapping], shape: RawShape, *, carried: str
) -> DataFrame:
    """Sort the cells of every source's rows by what they mean.

    Args:
        source_records: rows of the mapped sources, `row` as received.
        mappings: by source.
        shape: holds all the mappings.
        carried: what the names of the row's other columns get in front.
    Returns: the other columns, and those of the shape.
    """
    kept = [name for name in source_records.columns if name != c.ROW]
    origins = {source: mapping.cells() for source, mapping in sorted(mappings.items())}
    laid_out = source_records.withColumn(_LAYOUT, _layouts_expr(mappings, origins, shape)[F.col(c.SOURCE)])
    found = laid_out.withColumns(
        {f"{name}_found": _cell_expr(origins, name, at) for at, name in enumerate(shape.cells)}
    )
    cells = {name: F.col(f"{name}_found") for name in shape.cells}
    layout = F.col(_LAYOUT)
    attributes = F.transform_values(layout["attributes"], lambda _, column: said_expr(F.col(c.ROW)[column]))
    values = raw_columns(
        shape,
        cells,
        birth_date_written=_written_birth_date_expr(mappings, cells),
        region=layout["region"],
        attributes=attributes,
    )
    return found.select(*(F.col(name).alias(f"{carried}{name}") for name in kept), *values)


def _layouts_expr(mappings: Mapping[str, RawMapping], origins: _Origins, shape: RawShape) -> Column:
    """Source to the columns of its plain cells in the shape's order, its own attributes and its region: a constant."""
    layouts = {
        source: {
            "columns": [_plain_column(origins[source].get(name)) for name in shape.cells],
            "attributes": dict(sorted(mapping.attributes.items())),
            "region": mapping.default_region,
        }
        for source, mapping in sorted(mappings.items())
    }
    return F.from_json(F.lit(json.dumps(layouts)), _LAYOUT_TYPE)


def _plain_column(origin: ColumnMapping | None) -> str | None:
    """The only column that a value comes from as it is."""
    return origin.from_[0] if origin and len(origin.from_) == 1 else None


def _cell_expr(origins: _Origins, name: str, at: int) -> Column:
    """A value by meaning: the layout's column, or what a source puts together from several."""
    value = F.col(c.ROW)[F.col(_LAYOUT)["columns"][at]]
    for source, cells in origins.items():
        origin = cells.get(name)
        if origin is not None and _plain_column(origin) is None:
            made = origin_expr(origin, lambda column: F.col(c.ROW)[column])
            value = F.when(F.col(c.SOURCE) == source, made).otherwise(value)
    return value


def _written_birth_date_expr(mappings: Mapping[str, RawMapping], cells: Mapping[str, Column]) -> Column:
    """Every source's birth date in the formats that the source has; sources with the same formats share one reading."""
    sources_of: dict[tuple[str, ...], list[str]] = {}
    for source, mapping in sorted(mappings.items()):
        if c.BIRTH_DATE in mapping.meanings:
            sources_of.setdefault(mapping.birth_date_formats, []).append(source)
    readings = (_reading_expr(cells[c.BIRTH_DATE], formats, of) for formats, of in sources_of.items())
    return F.coalesce(F.lit(None).cast("string"), *readings)


def _reading_expr(cell: Column, formats: Iterable[str], sources: Iterable[str]) -> Column:
    return F.when(F.col(c.SOURCE).isin(*sources), written_birth_date_expr(cell, formats))
