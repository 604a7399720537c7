"""Models of people's events, and what they say of each profile."""

from __future__ import annotations

from pyspark.sql import types as T

from cdp_spark.tables.spec import TableKind, TableSpec, columns

REASONS = T.ArrayType(
    T.StructType([T.StructField("reason", T.StringType()), T.StructField("contribution", T.DoubleType())])
)
"""The largest first, after what holds for everybody; the last one sums up the others."""

SCORE_MODELS = TableSpec(
    name="score_models",
    grain="a version of a model of people's events, with its evaluation",
    schema=columns(
        model="string!",
        version="int!",
        kind="string!",
        as_of_utc="timestamp!",
        created_at_utc="timestamp!",
        run_id="string!",
        definition_hash="string!",
        parameters="string!",
        evaluation="string!",
    ),
    keys=("model", "version"),
    kind=TableKind.APPEND,
)

SCORES = TableSpec(
    name="scores",
    grain="a profile's score by a model",
    schema=columns(
        unified_id="string!",
        model="string!",
        version="int!",
        score="double!",
        tier="int!",
        details="double_map!",
        reasons=REASONS,
    ),
    keys=("unified_id", "model"),
    kind=TableKind.GOLD,
)

OFFERS = TableSpec(
    name="offers",
    grain="a product offered to a profile, with rank and reason",
    schema=columns(
        unified_id="string!",
        rank="int!",
        product_id="string!",
        product_name="string!",
        category="string",
        score="double!",
        basis="string!",
        rule="string",
        because_product_id="string",
        reason="string!",
    ),
    keys=("unified_id", "rank"),
    kind=TableKind.GOLD,
)
