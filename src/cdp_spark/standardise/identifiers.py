"""Identifiers: what a record can be recognised by, usable or not and why.

An identifier that joins records whatever the evidence says must not contradict it: of a value that records of several
people bear, by their names, birth dates and national ids, nobody is recognised.
"""

from __future__ import annotations

import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.config.expressions.grammar.patterns import texts_in_order
from cdp_spark.normalise.people.contradictions import Person, are_several_people
from cdp_spark.tables.checkpoint import checkpoint_and_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from cdp_spark.tables.checkpoint import CountedFrame

SHARED = "shared"
CONTRADICTED = "contradicted"
"""The reason of a value that joins records and is borne by several people, as the records themselves say."""
BLOCKED = "blocked"
_WHY, _SAID, _LIMIT, _HASH = "why_unusable", "said", "limit", "hash"
_VALUE_KEYS = (c.ENTITY_TYPE, c.TYPE, c.VALUE)
_PERSON = (c.GIVEN_NAME, c.FAMILY_NAME, c.BIRTH_DATE, c.NATIONAL_ID)


def build_found(records: DataFrame, *, blocked: Mapping[str, Sequence[str]] = MappingProxyType({})) -> DataFrame:
    """List every identifier of every record, with the reason of one that cannot be used by itself.

    Args:
        records: one row per record_key, with entity_type, observed_at and `identifiers` as `clean_rows` gives them.
        blocked: identifier type to values that nobody is recognised by; `*` stands for any text.
    Returns: one row per record_key, type and value.
    """
    listed = records.select(c.RECORD_KEY, c.ENTITY_TYPE, c.OBSERVED_AT, F.explode(c.IDENTIFIERS).alias("found"))
    return listed.where(F.col("found").isNotNull()).select(
        *(c.RECORD_KEY, c.ENTITY_TYPE, c.OBSERVED_AT, "found.type", "found.value"),
        F.coalesce(F.col("found.reason"), F.when(is_blocked_expr(blocked), BLOCKED)).alias(c.REASON),
    )


def find_unusable_values(
    found: DataFrame,
    records: DataFrame,
    *,
    max_sharing: Mapping[str, Mapping[str, int]],
    linking: Sequence[str] = (),
) -> CountedFrame:
    """Find the values that too many records share, or that several people bear (an action).

    A value that too many people share identifies no visitor either.

    Args:
        found: from `build_found`.
        records: one row per record_key.
        max_sharing: entity type to identifier type to the number of records that may share a value.
        linking: types that join records of people, whatever else these say; records need names and birth dates then.
    Returns: one row per entity_type, type and value, and why it cannot be used.
    """
    frequent = checkpoint_and_count(build_frequent_hashes(found, max_sharing=max_sharing))
    unusable = build_shared_values(found, frequent.joinable, max_sharing=max_sharing).withColumn(_WHY, F.lit(SHARED))
    if linking:
        contradicted = build_contradicted_values(found, records, linking)
        unusable = unusable.unionByName(contradicted.withColumn(_WHY, F.lit(CONTRADICTED)))
    unusable = unusable.groupBy(*_VALUE_KEYS).agg(F.max(_WHY).alias(_WHY))
    of_people = unusable.where(F.col(c.ENTITY_TYPE) == "person").withColumn(c.ENTITY_TYPE, F.lit("visitor"))
    return checkpoint_and_count(unusable.unionByName(of_people))


def build_identifiers(found: DataFrame, unusable: DataFrame) -> DataFrame:
    """Rule out the values that cannot be used.

    Args:
        found: from `build_found`.
        unusable: as `find_unusable_values` finds them.
    Returns: one row per record_key, type and value, in the shape of the table `identifiers`.
    """
    judged = found.join(unusable, on=list(_VALUE_KEYS), how="left")
    reason = F.coalesce(c.REASON, _WHY)
    return judged.select(
        c.RECORD_KEY,
        c.ENTITY_TYPE,
        c.TYPE,
        c.VALUE,
        F.sha2(c.VALUE, 256).alias(c.VALUE_HASH),
        reason.isNull().alias(c.USABLE),
        reason.alias(c.REASON),
        c.OBSERVED_AT,
    )


def build_contradicted_values(identifiers: DataFrame, records: DataFrame, linking: Sequence[str]) -> DataFrame:
    """Find the values that join records which are of several people, as names, birth dates and national ids say.

    Args:
        identifiers: one row per record_key, type and value.
        records: one row per record_key, with names, birth date and national id.
        linking: types that join records of people.
    Returns: one row per entity_type, type and value that several people bear.
    """
    joins = (F.col(c.ENTITY_TYPE) == "person") & F.col(c.TYPE).isin(*linking) & F.col(c.REASON).isNull()
    people = records.select(c.RECORD_KEY, F.struct(*_PERSON).alias(_SAID))
    said = identifiers.where(joins).select(c.RECORD_KEY, *_VALUE_KEYS).join(people, on=c.RECORD_KEY, how="inner")
    several = said.groupBy(*_VALUE_KEYS).agg(F.collect_set(_SAID).alias(_SAID)).where(F.size(_SAID) > 1)
    schema = T.StructType([T.StructField(name, T.StringType()) for name in _VALUE_KEYS])
    return several.mapInArrow(_keep_contradicted, schema)


def _keep_contradicted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        of_values = batch.column(_SAID).to_pylist()
        kept = [are_several_people(Person(*(it[name] for name in _PERSON)) for it in said) for said in of_values]
        yield batch.select(list(_VALUE_KEYS)).filter(pa.array(kept, pa.bool_()))


def is_blocked_expr(blocked: Mapping[str, Sequence[str]]) -> Column:
    """True for an identifier, `found` of type and value, that the configuration blocks, whatever its letters' case.

    A blocked e-mail's hash is blocked, too; a pattern cannot reach hashes.
    """
    kind, value = F.col("found.type"), F.lower("found.value")
    mailboxes = [text for text in blocked.get(c.EMAIL, ()) if "*" not in text]
    hashes = [hashlib.sha256(text.strip().lower().encode()).hexdigest() for text in mailboxes]
    listed = {**blocked, c.EMAIL_SHA256: (*blocked.get(c.EMAIL_SHA256, ()), *hashes)}
    found = F.lit(False)
    for name, texts in sorted(listed.items()):
        whole = [text.strip().lower() for text in texts if "*" not in text]
        patterns = [texts_in_order([*map(re.escape, text.lower().split("*"))]) for text in texts if "*" in text]
        for matches in ([value.isin(*whole)] if whole else []) + [value.rlike(pattern) for pattern in patterns]:
            found |= (kind == name) & matches
    return found


def build_frequent_hashes(found: DataFrame, *, max_sharing: Mapping[str, Mapping[str, int]]) -> DataFrame:
    """Find the 64-bit hashes of values that may be borne by more records than is allowed; they are few.

    A hash occurs at least as often as each of its values, and eight bytes are counted in less time than texts.
    """
    limited = (
        _build_limited(found, max_sharing)
        .groupBy(_HASH)
        .agg(F.count("*").alias(c.RECORD_COUNT), F.min(_LIMIT).alias(_LIMIT))
    )
    return limited.where(F.col(c.RECORD_COUNT) > F.col(_LIMIT)).select(_HASH)


def build_shared_values(
    found: DataFrame, frequent: DataFrame, *, max_sharing: Mapping[str, Mapping[str, int]]
) -> DataFrame:
    """Find the values that more records share than their type's limit allows.

    Args:
        found: from `build_found`.
        frequent: from `build_frequent_hashes`.
        max_sharing: as of `find_unusable_values`; a hashed e-mail has the e-mail's limit where it has none of its own.
    Returns: one row per entity_type, type and value over its limit.
    """
    limited = _build_limited(found, max_sharing).join(frequent, on=_HASH, how="left_semi")
    counted = limited.groupBy(*_VALUE_KEYS, _LIMIT).agg(F.count("*").alias(c.RECORD_COUNT))
    return counted.where(F.col(c.RECORD_COUNT) > F.col(_LIMIT)).select(*_VALUE_KEYS)


def _build_limited(found: DataFrame, max_sharing: Mapping[str, Mapping[str, int]]) -> DataFrame:
    """Keep the identifiers that have a limit, with it and with the value's hash."""
    limit = F.lit(None).cast("int")
    for entity_type, limits in max_sharing.items():
        hashed = {c.EMAIL_SHA256: limits[c.EMAIL]} if c.EMAIL in limits else {}
        for kind, most in sorted({**hashed, **limits}.items()):
            is_kind = (F.col(c.ENTITY_TYPE) == entity_type) & (F.col(c.TYPE) == kind)
            limit = F.when(is_kind, most).otherwise(limit)
    usable = found.where(F.col(c.REASON).isNull()).select(
        *_VALUE_KEYS, limit.alias(_LIMIT), F.xxhash64(*_VALUE_KEYS).alias(_HASH)
    )
    return usable.where(F.col(_LIMIT).isNotNull())
