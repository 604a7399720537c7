"""Staged rows without those who must not come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.ingest.staging.rows import record_id_expr, record_key_expr
from cdp_spark.ingest.suppression.hashing import (
    EMAIL,
    EMAIL_SHA256,
    PHONE,
    SOURCE_RECORD,
    keyed_hash,
    normal_values,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column, DataFrame

    from cdp_spark.config.source import SourceConfig
    from cdp_spark.ingest.suppression.register import SuppressionList

SUPPRESSED = "suppressed"
"""The reason of a row that is counted and not stored anywhere, not even as refused."""

_EMAIL_IN_TEXT = r"([^\s,;|<>\"'()]+@[^\s,;|<>\"'()]+)"
_STAYS = (c.SOURCE, c.KIND, c.ENTITY_TYPE, c.SOURCE_FILE)


def with_suppressed(
    staged: DataFrame, source: SourceConfig, suppressions: SuppressionList, *, region: str
) -> DataFrame:
    """Empty the rows of which an identifier is on the list.

    The rows that were refused for another reason are looked at too: as fields where they have some, else by the
    e-mails in their text. The key is in the function, so that no plan and no log shows it.

    Args:
        staged: staged rows of one source.
        source: says which columns hold identifiers.
        suppressions: the list.
        region: country of phones that name none.
    Returns: the same rows; of a suppressed one only its source and the reason `suppressed` are left.
    """
    marked = staged.withColumn(SUPPRESSED, is_listed_expr(source, suppressions, region=region))
    emptied = {
        field.name: F.when(~F.col(SUPPRESSED), F.col(field.name))
        for field in staged.schema
        if field.name not in (*_STAYS, c.REASON, c.TIME_ISSUE)
    }
    reason = F.when(F.col(SUPPRESSED), F.lit(SUPPRESSED)).otherwise(F.col(c.REASON))
    issue = ~F.col(SUPPRESSED) & F.col(c.TIME_ISSUE)
    return marked.withColumns({**emptied, c.REASON: reason, c.TIME_ISSUE: issue}).select(*staged.columns)


def is_listed_expr(source: SourceConfig, suppressions: SuppressionList, *, region: str) -> Column:
    """True where an identifier of a row is on the list: of its columns `row` and `raw_text`, either may be null.

    Args:
        source: of the row; says which columns hold identifiers.
        suppressions: the list.
        region: country of phones that name none.
    """
    row = F.coalesce(F.col(c.ROW), F.from_json(F.col(c.RAW_TEXT), "map<string,string>"))
    points = _points_expr(row, F.col(c.RAW_TEXT), source, suppressions.kinds)
    return F.coalesce(listed_udf(suppressions, region)(points), F.lit(False))


def is_mentioned_expr(suppressions: SuppressionList, *, region: str) -> Column:
    """True where an e-mail in a row's text is on the list, whatever its columns mean; see `is_listed_expr`."""
    text = F.coalesce(F.col(c.RAW_TEXT), F.to_json(F.col(c.ROW)))
    return F.coalesce(listed_udf(suppressions, region)(_emails_expr(text)), F.lit(False))


def _emails_expr(text: Column) -> Column:
    found = F.coalesce(F.regexp_extract_all(text, F.lit(_EMAIL_IN_TEXT)), F.array().cast("array<string>"))
    return F.transform(found, lambda email: F.struct(F.lit(EMAIL).alias(c.TYPE), email.alias(c.VALUE)))


def _points_expr(row: Column, text: Column, source: SourceConfig, kinds: frozenset[str]) -> Column:
    """The row's identifiers of the listed kinds: array of struct(type, value)."""
    points = [
        F.struct(F.lit(kind).alias(c.TYPE), row.getItem(column).alias(c.VALUE))
        for kind, column in _identifier_columns(source)
        if kind in kinds or (kind == EMAIL and EMAIL_SHA256 in kinds)
    ]
    if SOURCE_RECORD in kinds and source.kind == "records":
        key = record_key_expr(F.lit(source.name), record_id_expr(row, source.key))
        points.append(F.struct(F.lit(SOURCE_RECORD).alias(c.TYPE), key.alias(c.VALUE)))
    return F.concat(F.array(*points), _emails_expr(text)) if points else _emails_expr(text)


def _identifier_columns(source: SourceConfig) -> list[tuple[str, str]]:
    """(type, column) of everything in a source's row that identifies somebody."""
    mapped = source.columns.items()
    pairs: list[tuple[str, str]] = [
        (meaning, name) for meaning, mapping in mapped if meaning in (EMAIL, PHONE) for name in mapping.from_
    ]
    pairs += list(source.identifiers.items())
    pairs += list(source.events.identifiers.items()) if source.events else []
    if source.consents:
        kinds = (EMAIL, PHONE) if source.consents.contact_type == "detect" else (source.consents.contact_type,)
        pairs += [(kind, source.consents.contact) for kind in kinds]
    return sorted(set(pairs))


def listed_udf(suppressions: SuppressionList, region: str) -> Callable[[Column], Column]:
    """A function of an array of struct(type, value): true where one of them is on the list."""
    key, hashes = suppressions.key, suppressions.hashes

    def is_listed(points: pa.Array) -> pa.Array:
        return pa.array([_any_listed(row) for row in points.to_pylist()], pa.bool_())

    def _any_listed(row: list[dict[str, str | None]] | None) -> bool:
        pairs = {(str(point[c.TYPE]), point[c.VALUE]) for point in row or ()}
        return any(
            keyed_hash(*pair, key=key) in hashes
            for kind, text in pairs
            if text is not None
            for pair in normal_values(kind, text, region=region)
        )

    return F.arrow_udf(is_listed, T.BooleanType())  # type: ignore[attr-defined,no-any-return] # Spark's stubs lack it
