"""Hashes of rows and contact points: equal content, equal hash, on every machine and in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.normalise.batches import map_distinct
from cdp_spark.normalise.hashing import KEY_LENGTH
from cdp_spark.normalise.people.contact_points import contact_point_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column


def content_hash_expr(fields: Iterable[T.StructField]) -> Column:
    """SHA-256 of the named columns' content; a map's entries count in order of their keys.

    The hash covers the names, so a null here and a null there differ. Arrays count in the order that they have.
    """
    return F.sha2(F.to_json(F.struct(*(_hashable(field) for field in fields))), 256)


def contact_point_hash_expr(value: Column) -> Column:
    """Hash of a clean contact point (e-mail as it is shown, phone in E.164) as `consents` has it; null for null.

    Not for the inside of a function of arrays, which takes no Python.
    """
    hashed = F.arrow_udf(_hash_contact_points, T.StringType())  # type: ignore[attr-defined] # Spark's stubs lack it
    return hashed(value)  # type: ignore[no-any-return]


def _hash_contact_points(values: pa.Array) -> pa.Array:
    return map_distinct(values, contact_point_hash, pa.string())


def record_key_expr(source: Column, source_record_id: Column) -> Column:
    """The key of a source's record, as `normalise.hashing.record_key` makes it; null where it has no id."""
    parts = F.struct(source.alias(c.SOURCE), source_record_id.alias(c.SOURCE_RECORD_ID))
    return F.when(source_record_id.isNotNull(), F.substring(F.sha2(F.to_json(parts), 256), 1, KEY_LENGTH))


def identifier_set_expr(identifiers: Column) -> Column:
    """An event's identifiers as one text, equal for equal sets: `{"cookie_id":"c1","user_id":"u1"}`; null for none.

    Args:
        identifiers: map of type to value, as received.
    """
    in_order = F.map_from_entries(F.array_sort(F.map_entries(identifiers)))
    return F.when(F.size(identifiers) > 0, F.to_json(in_order))


def visitor_key_expr(identifier_set: Column) -> Column:
    """The record_key of the visitor whom an event shows: a hash of the set, in 32 hex characters; null for null."""
    named = F.struct(F.lit("visitor").alias("kind"), identifier_set.alias("identifiers"))
    return F.when(identifier_set.isNotNull(), F.substring(F.sha2(F.to_json(named), 256), 1, 32))


def _hashable(field: T.StructField) -> Column:
    value = F.col(field.name)
    if isinstance(field.dataType, T.MapType):
        return F.array_sort(F.map_entries(value)).alias(field.name)
    return value.alias(field.name)


def column_hash_expr(name: str, value: Column) -> Column:
    """A hash of its own a column: `xxhash64` passes over nulls, so that (1, null) would equal (null, 1)."""
    return F.xxhash64(F.lit(name), value)
