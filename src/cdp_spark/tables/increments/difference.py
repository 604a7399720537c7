"""What changed between two versions of a table: found by a hash of each row, whoever wrote it and however often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.limits import COMPARED_ON_DRIVER, DATES_ON_DRIVER, KEYED_ON_DRIVER
from cdp_spark.tables.catalog import UNIFIED_IDS
from cdp_spark.tables.checkpoint import unite_distinct
from cdp_spark.tables.hashing import column_hash_expr
from cdp_spark.tables.rows import as_table

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from datetime import date, datetime

    from pyspark.sql import Column, DataFrame

    from cdp_spark.tables.checkpoint import CountedFrame
    from cdp_spark.tables.direct.table import Only
    from cdp_spark.tables.run import RunContext
    from cdp_spark.tables.spec import TableSpec
    from cdp_spark.tables.store import Store

    Moment = date | datetime

_HASH, _SIDE, _FIRST = "row_hash", "side", "first_side"


def build_changed_keys(now: DataFrame, before: DataFrame, key: Sequence[str], columns: Sequence[str]) -> DataFrame:
    """Find the rows that are new, gone or changed.

    Args:
        now: rows with the key and the columns.
        before: the same, earlier.
        key: columns that name a row, or a group of rows, which changed if one of its rows did.
        columns: whose values count.
    Returns: the keys, each once.
    """
    kinds = {field.name: field.dataType for field in now.schema}
    row_hash = F.xxhash64(*(_hash_of(name, kinds[name]) for name in columns)).alias(_HASH)
    sides = [rows.select(*key, row_hash, F.lit(side).alias(_SIDE)) for side, rows in enumerate((before, now))]
    by_row = (
        sides[0].unionByName(sides[1]).groupBy(*key, _HASH).agg(F.min(_SIDE).alias(_FIRST), F.max(_SIDE).alias(_SIDE))
    )
    return by_row.where(F.col(_FIRST) == F.col(_SIDE)).select(*key).distinct()


def _hash_of(name: str, kind: T.DataType) -> Column:
    return column_hash_expr(name, F.array_sort(F.map_entries(name)) if isinstance(kind, T.MapType) else F.col(name))


def has_between(
    store: Store, spec: TableSpec, column: str, span: tuple[Moment, Moment | None], *, only: Only | None = None
) -> bool:
    """Say whether a column has a value in a span: on the driver, without a query, where the table is small and near.

    Args:
        store: the warehouse.
        spec: the table.
        column: of dates or times.
        span: the first and the last value of it; None for no end.
        only: column to the values that rows must have to count.
    """
    first, last = span
    table = store.open_local(spec)
    if table is not None and table.count() <= DATES_ON_DRIVER:
        values = table.read([column], only=only)[column]
        later = pc.greater_equal(values, pa.scalar(first, values.type))
        inside = later if last is None else pc.and_(later, pc.less_equal(values, pa.scalar(last, values.type)))
        return bool(pc.any(inside, min_count=0).as_py())
    rows = store.read(spec).where(F.col(column) >= F.lit(first))
    for name, wanted in (only or {}).items():
        rows = rows.where(F.col(name).isin(wanted.to_pylist()))
    return not rows.where(F.lit(True) if last is None else F.col(column) <= F.lit(last)).isEmpty()


def read_changed(
    context: RunContext,
    spec: TableSpec,
    *,
    key: Sequence[str],
    columns: Sequence[str] | None = None,
    entity_types: Sequence[str] = (),
) -> DataFrame:
    """Find the rows of a table that changed since the stage's basis was made from it.

    Args:
        context: of a stage with a basis.
        spec: a table that the basis was made from.
        key: columns that name a row, or a group of rows.
        columns: whose values count; None for all.
        entity_types: of the rows that count; none for all.
    Returns: the keys, each once.
    """
    if context.basis is None:
        raise ValueError(f"{spec.name}: nothing to compare with")
    version = context.basis.read[spec.name]
    of_types = F.col(c.ENTITY_TYPE).isin(*entity_types) if entity_types else F.lit(True)
    return read_changed_since(
        context.store, spec, version, key=key, columns=columns, counts=lambda it: it.where(of_types)
    )


def read_changed_since(
    store: Store,
    spec: TableSpec,
    version: int,
    *,
    key: Sequence[str],
    columns: Sequence[str] | None = None,
    counts: Callable[[DataFrame], DataFrame] = lambda rows: rows,
) -> DataFrame:
    """Find the rows of a table that changed since a version of it.

    Args:
        store: the warehouse.
        spec: the table.
        version: the earlier one; -1 where the table was not there yet.
        key: columns that name a row, or a group of rows.
        columns: whose values count; None for all.
        counts: leaves the rows that count.
    Returns: the keys, each once.
    """
    if store.exists(spec) and store.version(spec) == version:
        return store.read(spec).select(*key).limit(0)
    sides = _without_shared_files(store, spec, version)
    now, before = map(counts, sides or (store.read(spec), read_earlier(store, spec, version)))
    return build_changed_keys(now, before, key, spec.schema.names if columns is None else columns)


def fetch_changed(
    context: RunContext, spec: TableSpec, *, key: Sequence[str], columns: Sequence[str] | None = None
) -> pa.Table:
    """Find what `read_changed` finds, on the driver: without a query where the rows that may differ are few and near.

    Args:
        context: of a stage with a basis.
        spec: a table that the basis was made from; not one with dated rows.
        key: columns that name a row, or a group of rows.
        columns: whose values count; None for all.
    Returns: the keys, each once.
    """
    store, basis, names = context.store, context.basis, list(columns or spec.schema.names)
    version = basis.read[spec.name] if basis is not None else -1
    head, earlier = store.open_local(spec), store.open_local(spec, version) if version >= 0 else None
    if spec.dated_by or head is None or (earlier is None and version >= 0):
        return as_table(read_changed(context, spec, key=key, columns=columns))
    shared = {*head.files} & {*(earlier.files if earlier else ())}
    sides = [table.without(shared) for table in (head, earlier) if table is not None]
    counts = [side.count() for side in sides]
    if not sum(counts[1:]):
        return sides[0].read(key).group_by(list(key)).aggregate([])
    is_by_key = _are_comparable(spec, (*key, *names))
    if sum(counts) > (KEYED_ON_DRIVER if is_by_key else COMPARED_ON_DRIVER):
        return as_table(read_changed(context, spec, key=key, columns=columns))
    wanted = [*dict.fromkeys((*spec.keys, *key, *names) if is_by_key else (*key, *names))]
    now, before = (side.read(wanted) for side in sides)
    if is_by_key:
        return find_changed_by_key(now, before, key, row_key=spec.keys[0])
    return find_changed_keys(now, before, key, names)


def _are_comparable(spec: TableSpec, names: Sequence[str]) -> bool:
    """Whether one column names a row, and the values of others are plain, so that whole columns can be compared."""
    kinds = {field.name: field.dataType for field in spec.schema}
    return len(spec.keys) == 1 and not any(
        isinstance(kinds[it], T.ArrayType | T.MapType | T.StructType) for it in names
    )


def find_changed_by_key(now: pa.Table, before: pa.Table, key: Sequence[str], *, row_key: str) -> pa.Table:
    """Find what `build_changed_keys` finds, column by column: all columns count.

    Args:
        now: rows, no two with one row key.
        before: the same, earlier.
        key: columns that name a row, or a group of rows.
        row_key: the column that names a row.
    """
    now, before = now.combine_chunks(), before.combine_chunks()
    place = pc.index_in(now[row_key], value_set=before[row_key].combine_chunks())
    is_new, is_gone = pc.is_null(place), np.ones(before.num_rows, np.bool_)
    is_gone[place.drop_null().to_numpy()] = False
    is_changed = is_new
    for name in now.column_names:
        was, are = before[name].take(place), now[name]
        is_same = pc.or_(pc.fill_null(pc.equal(was, are), fill_value=False), pc.and_(pc.is_null(was), pc.is_null(are)))
        is_changed = pc.or_(is_changed, pc.invert(is_same))
    stood = before.take(pc.filter(place, pc.and_(is_changed, pc.invert(is_new))))
    found = [now.filter(is_changed), stood, before.filter(pa.array(is_gone))]
    return pa.concat_tables([rows.select(key) for rows in found]).group_by(list(key)).aggregate([])


def find_changed_keys(now: pa.Table, before: pa.Table, key: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """Find what `build_changed_keys` finds, of rows on the driver."""
    sides = [{*zip(*(_hashables(rows[name]) for name in (*key, *columns)), strict=True)} for rows in (now, before)]
    keys = dict.fromkeys(row[: len(key)] for row in sides[0] ^ sides[1])
    values = list(zip(*keys, strict=True)) or [()] * len(key)
    return pa.table(list(map(pa.array, values, (now.schema.field(name).type for name in key))), names=list(key))


def _hashables(values: pa.ChunkedArray) -> list[Hashable]:
    """Values that compare as their hashes do: a map's entries count in any order."""
    given = values.to_pylist()
    if pa.types.is_map(values.type):
        return [None if it is None else tuple(sorted(it)) for it in given]
    return [repr(it) for it in given] if pa.types.is_nested(values.type) else given


def read_earlier(store: Store, spec: TableSpec, version: int) -> DataFrame:
    """A version of a table, as a basis names it: without rows where the table was not there yet."""
    return store.read(spec, version=version) if version >= 0 else store.read(spec).limit(0)


def _without_shared_files(store: Store, spec: TableSpec, version: int) -> tuple[DataFrame, DataFrame] | None:
    """The head and an earlier version without the files that both have: most of a table that grows.

    None where the driver cannot see the files, or Spark would take their paths for patterns.
    """
    if version < 0 or spec.dated_by:
        return None
    head, earlier = store.open_local(spec), store.open_local(spec, version)
    if head is None or earlier is None or not (shared := {*head.files} & {*earlier.files}):
        return None
    if re.search(r"[*?\[\]{}\\,]", store.location):
        return None
    sides = [[table.path_of(file) for file in table.files if file not in shared] for table in (head, earlier)]
    now, before = (
        store.spark.read.schema(spec.schema).parquet(*paths)
        if paths
        else store.spark.createDataFrame([], spec.schema).limit(0)
        for paths in sides
    )
    return now, before


def find_changed_ids(context: RunContext, records: DataFrame, *, entity_types: Sequence[str] = ()) -> CountedFrame:
    """Find the unified ids that lost, won or hold a changed record, as they are now and as the basis has them.

    Args:
        context: of a stage with a basis that was made from `unified_ids`.
        records: record_key of the changed records.
        entity_types: of the records that count; none for all.
    Returns: one row per unified_id.
    """
    store, basis = context.store, context.basis
    moved = read_changed(context, UNIFIED_IDS, key=(c.RECORD_KEY,), entity_types=entity_types)
    concerned = unite_distinct([records.select(c.RECORD_KEY), moved])
    sides = [store.read(UNIFIED_IDS), store.read(UNIFIED_IDS, version=basis.read[UNIFIED_IDS.name] if basis else None)]
    found = [side.join(concerned.joinable, on=c.RECORD_KEY, how="left_semi").select(c.UNIFIED_ID) for side in sides]
    return unite_distinct(found)
