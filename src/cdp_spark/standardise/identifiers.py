"""Identifiers: what a record can be recognised by, usable or not and why."""

from __future__ import annotations

import hashlib
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from cdp_spark import columns as c

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame


SHARED = "shared"
BLOCKED = "blocked"


def build_identifiers(
    records: DataFrame,
    *,
    max_sharing: Mapping[str, Mapping[str, int]],
    blocked: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> DataFrame:
    """List every identifier, and rule out those that are blocked or that too many records share.

    A value that too many people share identifies no visitor either.

    Args:
        records: one row per record_key, with entity_type, observed_at and `identifiers` as `clean_rows` gives them.
        max_sharing: entity type to identifier type to the number of records that may share a value.
        blocked: identifier type to values that nobody is recognised by; `*` stands for any text.
    Returns: one row per record_key, type and value, in the shape of the table `identifiers`.
    """
    listed = records.select(c.RECORD_KEY, c.ENTITY_TYPE, c.OBSERVED_AT, F.explode(c.IDENTIFIERS).alias("found"))
    found = listed.where(F.col("found").isNotNull()).select(
        *(c.RECORD_KEY, c.ENTITY_TYPE, c.OBSERVED_AT, "found.type", "found.value"),
        F.coalesce(F.col("found.reason"), F.when(is_blocked_expr(blocked), BLOCKED)).alias(c.REASON),
        F.sha2(F.col("found.value"), 256).alias(c.VALUE_HASH),
    )
    value_keys = (c.ENTITY_TYPE, c.TYPE, c.VALUE_HASH)
    shared = build_shared_values(found, max_sharing=max_sharing)
    of_people = shared.where(F.col(c.ENTITY_TYPE) == "person").withColumn(c.ENTITY_TYPE, F.lit("visitor"))
    either = shared.unionByName(of_people).withColumn("is_shared", F.lit(True))
    judged = found.join(either, on=list(value_keys), how="left")
    reason = F.coalesce(F.col(c.REASON), F.when(F.col("is_shared"), SHARED))
    return judged.select(
        c.RECORD_KEY,
        c.ENTITY_TYPE,
        c.TYPE,
        c.VALUE,
        c.VALUE_HASH,
        reason.isNull().alias(c.USABLE),
        reason.alias(c.REASON),
        c.OBSERVED_AT,
    )


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
        patterns = ["^" + ".*".join(map(re.escape, text.lower().split("*"))) + "$" for text in texts if "*" in text]
        for matches in ([value.isin(*whole)] if whole else []) + [value.rlike(pattern) for pattern in patterns]:
            found |= (kind == name) & matches
    return found


def build_shared_values(identifiers: DataFrame, *, max_sharing: Mapping[str, Mapping[str, int]]) -> DataFrame:
    """Find the values that more records share than their type's limit allows.

    Args:
        identifiers: one row per record_key, type and value_hash.
        max_sharing: as in `build_identifiers`; a hashed e-mail has the e-mail's limit where it has none of its own.
    Returns: one row per entity_type, type and value_hash over its limit.
    """
    limit = F.lit(None).cast("int")
    for entity_type, limits in max_sharing.items():
        hashed = {c.EMAIL_SHA256: limits[c.EMAIL]} if c.EMAIL in limits else {}
        for kind, most in sorted({**hashed, **limits}.items()):
            is_kind = (F.col(c.ENTITY_TYPE) == entity_type) & (F.col(c.TYPE) == kind)
            limit = F.when(is_kind, most).otherwise(limit)
    value_keys = (c.ENTITY_TYPE, c.TYPE, c.VALUE_HASH)
    limited = identifiers.where(F.col(c.REASON).isNull()).withColumn("limit", limit).where(F.col("limit").isNotNull())
    counted = limited.groupBy(*value_keys, "limit").agg(F.count("*").alias(c.RECORD_COUNT))
    return counted.where(F.col(c.RECORD_COUNT) > F.col("limit")).select(*value_keys)
