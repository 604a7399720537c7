"""Who must not come back, found by Spark's tasks; the key is in the function, so that no plan and no log shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F
from pyspark.sql import types as T

from cdp_spark import columns as c
from cdp_spark.normalise.batches import map_distinct

if TYPE_CHECKING:
    from pyspark.sql import Column

    from cdp_spark.ingest.suppression.listed import Listed


def is_listed_expr(listed: Listed) -> Column:
    """True where an identifier of a row is on the list: of its columns `row` and `raw_text`, either may be null."""

    def is_listed(rows: pa.Array, texts: pa.Array) -> pa.Array:
        pairs = zip(rows.to_pylist(), texts.to_pylist(), strict=True)
        return pa.array([listed.is_listed(None if row is None else dict(row), text) for row, text in pairs], pa.bool_())

    found = F.arrow_udf(is_listed, T.BooleanType())  # type: ignore[attr-defined] # Spark's stubs lack it
    return found(F.col(c.ROW), F.col(c.RAW_TEXT))  # type: ignore[no-any-return]


def holds_listed_expr(identifiers: Column, listed: Listed) -> Column:
    """True where one of a JSON object's identifiers, value by type, is on the list."""

    def holds(text: str) -> bool:
        return any(listed.holds(kind, value) for kind, value in json.loads(text).items())

    def hold(texts: pa.Array) -> pa.Array:
        return map_distinct(texts, holds, pa.bool_())

    return F.coalesce(F.arrow_udf(hold, T.BooleanType())(identifiers), F.lit(False))  # type: ignore[attr-defined]
